"""Read files out of a gzip-packed tar archive without unpacking it to disk.

An archive is somebody else's file, so nothing it says is believed: members are picked by their exact base names and
kept in memory, whatever is neither a plain file nor a folder inside the archive makes all of it refused, and no more
than a given number of bytes is ever unpacked. It is read to its end even when all members have been found, because the
check sum over the whole is at the end.
"""

import gzip
import os
import tarfile
import zlib
from pathlib import PurePosixPath, PureWindowsPath

from tqdm import tqdm

from specframe.data.files import DataError

# Besides its own errors tarfile lets these through on damaged headers; the last when some hundred extended headers
# follow one another.
DAMAGED = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError, OverflowError, RecursionError)


def read_members(path, names, member_limit, total_limit):
    """The contents of some members of a .tar.gz file.

    Parameters
    ----------
    path : path
    names : sequence of str
        Base names; the folder inside the archive does not matter.
    member_limit, total_limit : int
        The most bytes one of these members may have, and the whole archive unpacked.

    Returns
    -------
    dict of str to bytes
        One entry for each of `names`.

    Raises
    ------
    DataError
        The file cannot be read, is empty, truncated, damaged or of another kind; it holds a link, a device, or a path
        that leaves the archive; a member is missing, there twice, or too large; or the whole is.
    """
    found = {}
    try:
        size = os.path.getsize(path)
        # The bar shows where stderr is a terminal (disable=None), and after a second: small archives need none.
        bar = tqdm(total=size, desc=path.name, unit="B", unit_scale=True, leave=False, disable=None, delay=1)
        with bar, open(path, "rb") as packed, gzip.GzipFile(fileobj=packed) as unpacked:
            stream = _Bounded(path, packed, unpacked, total_limit, bar)
            with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 18) as tar:
                for member in tar:
                    _check_kind(path, member)
                    name = PurePosixPath(member.name).name
                    if name not in names or not member.isfile():
                        continue
                    if name in found:
                        raise DataError(f"{path}: expected one {name}, got two")
                    if member.size > member_limit:
                        raise DataError(f"{path}: {name}: expected at most {member_limit} bytes, got {member.size}")
                    found[name] = tar.extractfile(member).read()
            while stream.read(1 << 18):
                pass
    except DataError:
        raise
    except DAMAGED as error:
        raise DataError(f"{path}: expected a whole .tar.gz file, got a truncated or damaged one ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error
    if lacking := [name for name in names if name not in found]:
        raise DataError(f"{path}: the archive lacks {' and '.join(lacking)}")
    return found


def _check_kind(path, member):
    """Refuse what has no place in an archive of data, such as a member that would be unpacked somewhere else."""
    if not (member.isdir() or member.isfile()) or member.issparse():
        raise DataError(f"{path}: expected plain files and folders, got a link, device or sparse file {member.name!r}")
    place = PureWindowsPath(member.name)  # knows both kinds of slash, and drives
    if place.anchor or ".." in place.parts:
        raise DataError(f"{path}: expected paths inside the archive, got {member.name!r}")


class _Bounded:
    """What a gzip file unpacks to, up to `limit` bytes; moves the bar along the packed file."""

    def __init__(self, path, packed, unpacked, limit, bar):
        self.path, self.packed, self.unpacked, self.limit, self.bar = path, packed, unpacked, limit, bar
        self.left = limit

    def read(self, size):
        chunk = self.unpacked.read(size)
        self.left -= len(chunk)
        if self.left < 0:
            raise DataError(f"{self.path}: expected at most {self.limit} bytes when unpacked, got more")
        self.bar.update(self.packed.tell() - self.bar.n)
        return chunk
