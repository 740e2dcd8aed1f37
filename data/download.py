"""Download a file: from the first mirror that delivers it whole, in time and with the right checksum.

A mirror may be slow, broken or hostile. Whatever it answers, nothing of it appears under the file's name before all of
it has been checked, and the next mirror is asked.
"""

import concurrent.futures
import contextlib
import glob
import hashlib
import os
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from specframe.data import progress
from specframe.data.published import DataError, DataFile

try:
    import fcntl
except ImportError:  # on Windows, where a file that is open cannot be removed
    fcntl = None  # type: ignore[assignment]

CONNECT_TIMEOUT = 5.0  # seconds until a mirror must have answered
READ_TIMEOUT = 30.0  # seconds until a block must have come: less than 2 kB a second is given up
BLOCK = 1 << 16  # bytes


def fetch(file: DataFile, folder: Path) -> Path:
    """Download `file` into `folder` from the first mirror that delivers it whole.

    The file appears under its name only when it is complete and its SHA-256 is right; whatever happens before, an
    interrupt included, leaves nothing behind. What a killed run left is removed.

    Returns
    -------
    Path
        The file in `folder`.

    Raises
    ------
    DataError
        The folder or the file cannot be written, or no mirror delivered the file; the sentence has each one's reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: the folder for downloads cannot be made: {error.strerror}") from error
    target, failures = folder / file.name, []
    _sweep(target)
    for url in file.urls:
        try:
            return _transfer(file, url, target)
        except DataError:
            raise
        except Exception as error:  # of any kind: a malformed answer may raise anything, and the next may be good
            failures.append(f"{url}: {_reason(error)}")
    tried = "; ".join(failures)
    raise DataError(
        f"{file.name} cannot be downloaded: {tried}; if you have it, name its folder: data_dir, or $SPECFRAME_DATA"
    )


def _transfer(file: DataFile, url: str, target: Path) -> Path:
    # In the target's folder, because a rename is atomic only within one file system.
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    digest, received = hashlib.sha256(), 0
    try:
        with (
            contextlib.closing(_Stream(url)) as stream,
            _written(part) as out,
            progress.bar(file.size, file.name, "B") as bar,
        ):
            while received <= file.size and (block := stream.block()):
                with _named(part):
                    out.write(block)
                digest.update(block)
                received += len(block)
                bar.update(len(block))
        if received != file.size:
            raise ValueError(f"expected {file.size} bytes, got {received if received < file.size else 'more'}")
        if digest.hexdigest() != file.sha256:
            raise ValueError(f"expected SHA-256 {file.sha256}, got {digest.hexdigest()}")
        with _named(target):
            os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


# ---- on the disk -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """A disk's error becomes a sentence with the path; no other mirror can help."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def _written(part: Path) -> Iterator[BinaryIO]:
    """A new file, locked while it is being written, and on the disk when it has been."""
    with _named(part):
        out = open(part, "xb")
    with out:
        with contextlib.suppress(OSError):  # some network disks have no locks
            _lock(out)
        yield out
        with _named(part):
            out.flush()
            os.fsync(out.fileno())  # or a crash could leave the final name on an empty file


def _sweep(target: Path) -> None:
    """Remove the parts of `target` that no run is writing: those of runs that were killed."""
    for part in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with contextlib.suppress(OSError):
            with open(part, "rb") as left:
                _lock(left)
            part.unlink()


def _lock(file: BinaryIO) -> None:
    """Lock a file until it is closed, or its process ends in whatever way; OSError if another process has it."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# ---- from a mirror ---------------------------------------------------------------------------------------------


class _Stream:
    """What a mirror sends, in blocks; each is waited for on a thread and given up after a time.

    The socket's own time-out does not do: it leaves out the look-up of the host's name, which can take half a minute
    without a network, and starts anew for each of the host's addresses and with each byte. A thread that was given up
    may be left behind; it closes the connection when it wakes.
    """

    def __init__(self, url: str) -> None:
        self.url, self.response, self.gave_up = url, None, False
        self._within(CONNECT_TIMEOUT, self._open, f"no answer in {CONNECT_TIMEOUT:g} s")

    def block(self) -> bytes:
        """The next BLOCK bytes, fewer at the end, none behind it."""
        late = f"fewer than {BLOCK} bytes in {READ_TIMEOUT:g} s"
        return self._within(READ_TIMEOUT, lambda: self.response.read(BLOCK), late)

    def close(self) -> None:
        if not self.gave_up:  # else the thread is reading from it
            self.response.close()

    def _open(self) -> None:
        self.response = _opener().open(self.url, timeout=READ_TIMEOUT)

    def _within(self, seconds: float, work: Callable[[], Any], late: str) -> Any:
        answer: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def run() -> None:
            try:
                settle, value = answer.set_result, work()
            except Exception as error:
                settle, value = answer.set_exception, error
            if answer.set_running_or_notify_cancel():
                settle(value)
            else:  # too late: nobody waits any more
                for opened in (self.response, value):  # an HTTPError is an open response, too
                    if hasattr(opened, "close"):
                        opened.close()

        threading.Thread(target=run, name="specframe download", daemon=True).start()
        try:
            concurrent.futures.wait([answer], timeout=seconds)
        finally:
            self.gave_up = answer.cancel()
        if self.gave_up:
            raise TimeoutError(late)
        return answer.result()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """urllib's, which leaves the answer open when it cannot follow."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except Exception:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _opener() -> urllib.request.OpenerDirector:
    """urllib's opener without its doors to ftp, files and data: a redirect to one of them is an unknown kind."""
    proxies = {kind: url for kind, url in urllib.request.getproxies().items() if kind in ("http", "https")}
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    """Why a mirror failed, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()  # it is an open response, too
        return f"HTTP status {error.code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(text[:200].split())
