"""Writing a file whole or not at all, and leaving nothing else behind.

The new content goes to a temporary file in the same folder, which then takes the place of the old one. Its writer holds
a lock on it until then. A lock ends with its process, however that ends: so the next writer in that folder can tell a
temporary file that was abandoned (kill -9, a power cut) from one in use, and removes it.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows, where no open file can be removed: nothing else is needed there
    fcntl = None  # type: ignore[assignment]

TEMPORARY = re.compile(r"\.specframe-[0-9a-f]{16}\.part")


def write_atomically(
    path: str | os.PathLike[str], write: Callable[[IO[bytes]], Any], make_folders: bool = True
) -> None:
    """Call `write(binary file)` on a temporary file in the folder of `path`, then put it in place.

    Whatever happens on the way, `path` holds its old content or its new one, and no temporary file stays. A symbolic
    link stays one: what it points to is written. A file that exists keeps its mode, a new one has that of any new file.

    Raises
    ------
    OSError
        It cannot be written there, or the disk is full; `path` is named.
    """
    target = os.path.realpath(path)
    try:
        mode = _mode(target)
        if make_folders:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        with _temporary_file(os.path.dirname(target)) as (file, temporary):
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if mode is not None:
                os.chmod(temporary, mode)
            if fcntl is None:
                file.close()  # Windows renames no open file
            os.replace(temporary, target)
    except OSError as error:
        if error.errno is None or not (error.filename is None or TEMPORARY.search(str(error.filename))):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _mode(target: str) -> int | None:
    """The mode of a file, or None where there is none; what is no file is refused."""
    try:
        found = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found):
        raise OSError(errno.EINVAL, "expected a file, found a folder or a device", target)
    return stat.S_IMODE(found)


@contextlib.contextmanager
def _temporary_file(folder: str) -> Iterator[tuple[IO[bytes], str]]:
    """(open binary file, its path), locked; removed at the end where it is still there."""
    _remove_abandoned(folder)
    file, path = _locked(folder)
    try:
        with file:
            yield file, path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _locked(folder: str) -> tuple[IO[bytes], str]:
    while True:
        path = os.path.join(folder, f".specframe-{secrets.token_hex(8)}.part")
        file = open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "wb")
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks: nothing is removed there either
                fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else another writer took it for abandoned before it was locked
            return file, path
        file.close()


def _remove_abandoned(folder: str) -> None:
    """Remove the temporary files whose writers are gone."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [entry.path for entry in entries if TEMPORARY.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                if fcntl is None:
                    os.unlink(path)  # fails while it is open
                else:
                    with open(path, "rb+") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer has it
                        os.unlink(path)
