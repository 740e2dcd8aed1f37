"""Find the files of a data set on this computer, or download them.

Where a file may lie, in this order (each folder is searched itself and in its sub-folder named after the set):

    1. the folder the caller names; then nowhere else, and nothing is downloaded
    2. the folder named by the environment variable SPECFRAME_DATA
    3. the user's cache, $XDG_CACHE_HOME/specframe or ~/.cache/specframe
    4. the mirrors; what comes is checked by size and SHA-256 and kept in the cache

All files of a set come from one folder: images from one place and labels from another may not belong together.
A local file need not have the published checksum, because the same data packed again has another one; whoever reads it
checks its structure, and may then call `notice_other_checksum`.
"""

import concurrent.futures
import functools
import hashlib
import http.client
import os
import secrets
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

CONNECT_TIMEOUT = 5.0  # seconds until a mirror must have answered
READ_TIMEOUT = 30.0  # seconds a transfer may stand still


class DataError(ValueError):
    """A data file is missing, damaged or cannot be downloaded; one sentence with the file, what came, what should."""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set, as its publisher names it.

    Attributes
    ----------
    name : str
        The published name; a download is stored under it.
    size : int
        Length in bytes.
    sha256 : str
        64 hexadecimal digits.
    urls : tuple of str
        Complete addresses, tried in this order, once each.
    aliases : tuple of str
        Other names under which a local copy is accepted, such as the unpacked one's.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    aliases: tuple[str, ...] = ()


# ---- on this computer ------------------------------------------------------------------------------------------


def cache_folder():
    """The folder for downloads, as a Path; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "specframe"


def search_folders(set_name, data_dir=None):
    """The folders in which `find` looks, in order, as a list of Paths."""
    if data_dir is not None:
        roots = [Path(data_dir)]
    else:
        named = os.environ.get("SPECFRAME_DATA")
        roots = ([Path(named)] if named else []) + [cache_folder()]
    return [folder for root in map(Path.expanduser, roots) for folder in (root, root / set_name)]


def find(set_name, files, data_dir=None, unpacked=()):
    """The paths of all `files`, or of the same data in another form, from the first folder that holds them all.

    Parameters
    ----------
    set_name : str
        Name of the set and of the sub-folder that may hold it, such as "mnist".
    files : sequence of DataFile
    data_dir : path, optional
        Look here and nowhere else.
    unpacked : sequence of sequences of str
        Other forms of the set: the paths, inside a folder, of the files that do instead of `files`.

    Returns
    -------
    list of Path
        In the order of `files`, or of the form that was found.

    Raises
    ------
    DataError
        No folder holds them all; the sentence says what each one lacks.
    """
    reports = []
    for folder in search_folders(set_name, data_dir):
        if not os.path.isdir(folder):
            reports.append(f"{folder} is not a folder")
            continue
        paths = [_local(folder, file) for file in files]
        if all(paths):
            return paths
        for form in unpacked:
            others = [folder / name for name in form]
            if all(map(os.path.isfile, others)):
                return others
        lacking = " and ".join(file.name for file, path in zip(files, paths, strict=True) if path is None)
        reports.append(f"{folder} lacks {lacking}")
    raise DataError(f"no folder with the {set_name} files: {', '.join(reports)}")


def obtain(set_name, files, data_dir=None, download=True, unpacked=()):
    """`find`, and failing that the download of what the cache lacks.

    With a `data_dir`, or with `download=False`, nothing is ever downloaded.

    Returns
    -------
    list of Path
        As from `find`.

    Raises
    ------
    DataError
        The files are not there, or no mirror delivered one of them.
    """
    try:
        return find(set_name, files, data_dir, unpacked)
    except DataError:
        if data_dir is not None or not download:
            raise
    folder = cache_folder() / set_name
    return [_local(folder, file) or fetch(file, folder) for file in files]


def _local(folder, file):
    """The path of `file` in `folder` under the first of its names that exists, or None."""
    for name in (file.name, *file.aliases):
        if os.path.isfile(folder / name):
            return folder / name
    return None


@functools.cache  # for a set that is loaded twice: read once, said once
def notice_other_checksum(path, file):
    """Say in one line on stderr, once a path, that the file at `path` is used though it is not the published `file`.

    For a reader to call when it has found the structure right.
    """
    digest = hashlib.sha256()
    if path.stat().st_size == file.size:  # else there is no need to read it
        with open(path, "rb") as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
    if digest.hexdigest() != file.sha256:
        print(f"{path}: not the published file (another SHA-256), but its structure is right: used", file=sys.stderr)


# ---- from a mirror ---------------------------------------------------------------------------------------------


def fetch(file, folder):
    """Download `file` into `folder` from the first mirror that delivers it whole.

    The file appears under its name only when it is complete and its SHA-256 is right; whatever happens before, an
    interrupt included, leaves nothing behind.

    Returns
    -------
    Path
        The file in `folder`.

    Raises
    ------
    DataError
        The folder cannot be made, or no mirror delivered the file; the sentence has each one's reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: the folder for downloads cannot be made: {error.strerror}") from error
    failures = []
    for url in file.urls:
        try:
            return _transfer(file, url, folder / file.name)
        except (OSError, http.client.HTTPException, DataError) as error:
            failures.append(f"{url}: {_reason(error)}")
    raise DataError(f"{file.name} cannot be downloaded: {'; '.join(failures)}")


def _transfer(file, url, target):
    # In the target's folder, because a rename is atomic only within one file system.
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    digest, received = hashlib.sha256(), 0
    # disable=None: no bar where stderr is not a terminal.
    bar = tqdm(total=file.size, desc=file.name, unit="B", unit_scale=True, leave=False, disable=None)
    try:
        with bar, _open(url) as response, open(part, "xb") as out:
            while received <= file.size and (chunk := response.read(1 << 16)):
                out.write(chunk)
                digest.update(chunk)
                received += len(chunk)
                bar.update(len(chunk))
            out.flush()
            os.fsync(out.fileno())  # or a crash could leave the final name on an empty file
        if received != file.size:
            came = received if received < file.size else "more"
            raise DataError(f"expected {file.size} bytes, got {came}")
        if digest.hexdigest() != file.sha256:
            raise DataError(f"expected SHA-256 {file.sha256}, got {digest.hexdigest()}")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _open(url):
    """`urlopen`, given up after CONNECT_TIMEOUT seconds in all.

    The socket's own time-out does not do: it leaves out the look-up of the host's name, which can take half a minute
    without a network, and starts anew for each of the host's addresses. Hence the thread, which may be left behind.
    """
    answer = concurrent.futures.Future()

    def work():
        try:
            response = urllib.request.urlopen(url, timeout=READ_TIMEOUT)
        except Exception as error:
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)
        else:
            if answer.set_running_or_notify_cancel():
                answer.set_result(response)
            else:
                response.close()  # too late: nobody waits any more

    threading.Thread(target=work, name="specframe connect", daemon=True).start()
    try:
        concurrent.futures.wait([answer], timeout=CONNECT_TIMEOUT)
    finally:
        gave_up = answer.cancel()
    if gave_up:
        raise TimeoutError(f"no answer in {CONNECT_TIMEOUT:g} s")
    return answer.result()


def _reason(error):
    """Why a mirror failed, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()  # it is an open response, too
        return f"HTTP status {error.code}"
    if isinstance(error, urllib.error.URLError):
        error = error.reason
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
