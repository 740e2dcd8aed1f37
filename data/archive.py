"""Read files out of a gzip-packed tar archive without unpacking it to disk.

An archive is somebody else's file, so nothing it says is believed: members are picked by their exact base names and
kept in memory, whatever is neither a plain file nor a folder inside the archive makes all of it refused, and no more
than a given number of bytes is ever unpacked. It is read to its end even when all members have been found, because the
check sum over the whole is at the end.

The blocks are walked here and only each header is left to tarfile, which would read extended headers of any length.
"""

import gzip
import os
import re
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from specframe.data import progress
from specframe.data.limits import most_unpacked
from specframe.data.published import DataError

BLOCK = tarfile.BLOCKSIZE
MOST_MEMBERS = 1000  # the published archives have fewer than ten
EXTENDED = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}  # records of text about the next member, or all
MOST_EXTENDED = 1 << 16  # bytes of them and of long names, in the whole archive
RECORD = re.compile(rb"(\d{1,5}) ([^=]{1,100})=")


def read_members(path: Path, names: Sequence[str], member_limit: int, total_limit: int) -> dict[str, bytes]:
    """The contents of some members of a .tar.gz file.

    Parameters
    ----------
    path : Path
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
        that leaves the archive; a member is missing, there twice, or too large; or the whole is, or unpacks to more
        than its packed size can mean.
    """
    found: dict[str, bytes] = {}
    try:
        size = os.path.getsize(path)
        bar = progress.bar(size, path.name, "B", delay=1)
        with bar, open(path, "rb") as packed, gzip.GzipFile(fileobj=packed) as unpacked:
            stream = _Bounded(path, packed, unpacked, min(total_limit, most_unpacked(size)), bar)
            for name, length in _members(path, stream):
                if name not in names:
                    stream.skip(length)
                elif name in found:
                    raise DataError(f"{path}: expected one {name}, got two")
                elif length > member_limit:
                    raise DataError(f"{path}: {name}: expected at most {member_limit} bytes, got {length}")
                else:
                    found[name] = stream.exactly(length)
                stream.skip(-length % BLOCK)
            while stream.read(1 << 18):
                pass
    except DataError:
        raise
    except (tarfile.HeaderError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole .tar.gz file, got a truncated or damaged one ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error
    if lacking := [name for name in names if name not in found]:
        raise DataError(f"{path}: the archive lacks {' and '.join(lacking)}")
    return found


def _members(path: Path, stream: "_Bounded") -> Iterator[tuple[str, int]]:
    """Base name and length of each plain file; whoever takes them reads its content and what fills the last block."""
    count, extended, said = 0, 0, {}  # said: what extended headers have said of the next member
    while (block := stream.read(BLOCK)).strip(b"\0"):
        count += 1
        if count > MOST_MEMBERS:
            raise DataError(f"{path}: expected at most {MOST_MEMBERS} members, got more")
        member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if member.size < 0:
            raise tarfile.HeaderError("negative size")
        if member.type == tarfile.GNUTYPE_LONGNAME or member.type in EXTENDED:
            extended += member.size
            if extended > MOST_EXTENDED:
                raise DataError(f"{path}: expected at most {MOST_EXTENDED} bytes of extended headers, got more")
            content = stream.exactly(member.size)
            stream.skip(-member.size % BLOCK)
            if member.type == tarfile.GNUTYPE_LONGNAME:
                said["path"] = content.rstrip(b"\0")
            elif member.type != tarfile.XGLTYPE:  # no published archive says anything of all its members
                said |= _records(content)
            continue
        name = said["path"].decode("utf-8", "surrogateescape") if "path" in said else member.name
        _check_kind(path, name, member, said)
        said = {}
        if member.isfile():
            yield PurePosixPath(name).name, member.size
    if count == 0:
        raise EOFError("no archive in it" if block else "empty file")


def _records(content: bytes) -> dict[str, bytes]:
    """The keys and values of an extended header, "LENGTH KEY=VALUE\\n" each, its own length included."""
    records, at = {}, 0
    while at < len(content):
        match = RECORD.match(content, at)
        end = at + int(match[1]) if match else 0
        if not match or end <= match.end() or content[end - 1 : end] != b"\n":
            raise tarfile.HeaderError("bad extended header")
        records[match[2].decode("utf-8", "replace")] = content[match.end() : end - 1]
        at = end
    return records


def _check_kind(path, name, member, said):
    """Refuse what has no place in an archive of data, such as a member that would be unpacked somewhere else."""
    place = PureWindowsPath(name)  # knows both kinds of slash, and drives
    name = name[:200]
    sparse = member.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in said)
    if not (member.isdir() or member.isfile()) or sparse:
        raise DataError(f"{path}: expected plain files and folders, got a link, device or sparse file {name!r}")
    if "size" in said:
        raise DataError(f"{path}: {name!r}: expected a size in its own header, got one in an extended header")
    if place.anchor or ".." in place.parts:
        raise DataError(f"{path}: expected paths inside the archive, got {name!r}")


class _Bounded:
    """What a gzip file unpacks to, up to `limit` bytes; moves the bar along the packed file."""

    def __init__(self, path, packed, unpacked, limit, bar):
        self.path, self.packed, self.unpacked, self.limit, self.bar = path, packed, unpacked, limit, bar
        self.left = limit

    def read(self, size: int) -> bytes:
        chunk = self.unpacked.read(size)
        self.left -= len(chunk)
        if self.left < 0:
            raise DataError(f"{self.path}: expected at most {self.limit} bytes when unpacked, got more")
        self.bar.update(self.packed.tell() - self.bar.n)
        return chunk

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes, or EOFError."""
        if size > self.left:
            raise DataError(f"{self.path}: expected at most {self.limit} bytes when unpacked, got more")
        content = self.read(size)
        if len(content) != size:
            raise EOFError("unexpected end of data")
        return content

    def skip(self, size: int) -> None:
        while size:
            size -= len(self.exactly(min(size, 1 << 18)))
