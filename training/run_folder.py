"""The folder that a run writes its results to: writable, used by one run at a time, and not overwritten unasked."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: a second run in the same folder is not noticed there
    fcntl = None  # type: ignore[assignment]

RESULTS = ("checkpoint.npz", "metrics.json", "history.csv", "curves.png", "spectra.png")


@contextlib.contextmanager
def run_folder(path: str | os.PathLike[str], *, resume: bool = False, overwrite: bool = False) -> Iterator[Path]:
    """Hold a folder for one run: `with run_folder("~/runs/first") as out:`.

    Everything that would go wrong at the end of the first epoch goes wrong here. The folder is made where it is
    missing, and stays locked until the end of the `with`; the lock of a process that has died is gone with it.

    Parameters
    ----------
    path : of the folder; a leading ~ is the home folder
    resume : whether results of an earlier run are expected there
    overwrite : whether the results of an earlier run may go; they are removed at once

    Yields
    ------
    pathlib.Path

    Raises
    ------
    ValueError
        The folder cannot be made or written to, holds the results of an earlier run, or is in use by another one.
    """
    try:
        folder = Path(path).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".checkpoint.npz.", dir=folder):  # as long a name as any to come
            pass
    except (OSError, RuntimeError) as error:
        if isinstance(error, FileExistsError):
            raise ValueError(f"{path} is a file, expected a folder for the results") from None
        raise ValueError(f"cannot write results to {path}: {getattr(error, 'strerror', error)}") from None
    with _locked(folder):
        found = [name for name in RESULTS if (folder / name).exists()]
        if found and not (resume or overwrite):
            raise ValueError(f"{path} holds the results of an earlier run ({', '.join(found)}): "
                             "--overwrite replaces them, another --out keeps them")  # fmt: skip
        if overwrite and not resume:
            for name in found:
                (folder / name).unlink()
        yield folder


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder itself is locked, so that no lock file stays behind; a file system without locks has none."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(f"{folder} is in use by another run: wait for it, or choose another folder") from None
        yield
    finally:
        os.close(descriptor)
