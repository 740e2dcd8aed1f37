"""Read numeric arrays from MATLAB files of version 5, as `save` has written them since 1996.

    128 bytes       text; at 124 the version 0x0100 and the letters "MI", both in the file's order of bytes
    then elements   type and length (4 bytes each), content; type 15 is an element packed with zlib, 14 is a variable

A variable is a row of elements again, each filled up to 8 bytes: flags and class, axes, name, numbers (first axis
fastest). Of an element of up to four bytes, type and length share the first four and the content follows in the tag.

SciPy's loadmat reads far more than this, but its authors warn against files that are not trusted: some damaged ones end
the whole process, and packed ones may unpack to any size. Here everything is checked before it is used.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from specframe.data.limits import most_unpacked
from specframe.data.published import DataError

MATRIX, COMPRESSED = 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
NUMERIC = range(6, 16)  # the classes double, single, and the integers; below are cells, structures, text, sparse arrays
COMPLEX = 0x0800  # a flag
HDF5 = b"\x89HDF\r\n\x1a\n"
HEADER_LIMIT = 256  # bytes; names have up to 63 letters, and more than a few axes nobody has


def read_mat(path: Path, names: Sequence[str], limit: int) -> dict[str, np.ndarray]:
    """Some variables of a MATLAB file, as they are stored.

    Parameters
    ----------
    path : path
    names : sequence of str
        Other variables are passed over.
    limit : int
        The most bytes that the numbers of one of them may take.

    Returns
    -------
    dict of str to array
        One entry for each of `names`; of the type in the file, which may be smaller than the variable's class.

    Raises
    ------
    DataError
        The file cannot be read, is empty, truncated, damaged or of another kind; a variable is missing, there twice,
        too large, or no real numeric array.
    """
    found: dict[str, np.ndarray] = {}
    try:
        size = os.path.getsize(path)
        limit = min(limit, most_unpacked(size))
        with open(path, "rb") as file:
            order = _byte_order(file.read(128))
            while file.tell() < size:
                kind, length = struct.unpack(order + "II", _Stored(file, 8).exactly(8))
                end = file.tell() + length
                if end > size:
                    raise DataError("the file is truncated")
                stream = _Stored(file, length)
                if kind == COMPRESSED:
                    stream = _Inflated(file, length)
                    kind, _ = struct.unpack(order + "II", stream.exactly(8))
                if kind != MATRIX:
                    raise DataError(f"the file is damaged: expected a variable, got an element of type {kind}")
                name, array = _variable(stream, order, names, limit)
                if name in found:
                    raise DataError(f"expected one variable {name}, got two")
                if array is not None:
                    found[name] = array
                    stream.finish()
                file.seek(end)
    except (DataError, zlib.error) as error:
        raise DataError(f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error
    for name in names:
        if name not in found:
            raise DataError(f"{path}: expected a variable {name}, got none")
    return found


def _byte_order(header: bytes) -> str:
    """ "<" or ">", from the first 128 bytes."""
    if not header:
        raise DataError("expected a MATLAB file, got an empty file")
    if header.startswith((b"MATLAB 7.3", HDF5)):
        raise DataError(
            "expected a MATLAB file of version 5, got one of version 7.3 (HDF5), which is not read: save it with -v7"
        )
    if header[124:] not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise DataError(f"expected a MATLAB file of version 5, got one that begins with 0x{header[:8].hex()}")
    return "<" if header.endswith(b"IM") else ">"


def _variable(stream, order, names, limit):
    """The name of a variable, and its array if the name is one of `names`, else None."""
    _, flags = _element(stream, order, HEADER_LIMIT)
    _, axes = _element(stream, order, HEADER_LIMIT)
    _, letters = _element(stream, order, HEADER_LIMIT)
    name = letters.decode("latin-1")
    if name not in names:
        return name, None
    if len(flags) != 8 or len(axes) < 8 or len(axes) % 4:
        raise DataError(f"{name} is damaged: {len(flags)} bytes of flags and {len(axes)} of axes")
    (flags,), shape = struct.unpack_from(order + "I", flags), struct.unpack(f"{order}{len(axes) // 4}i", axes)
    if flags & 0xFF not in NUMERIC or flags & COMPLEX:
        raise DataError(
            f"expected {name} to be a real numeric array, got class {flags & 0xFF}, flags {flags >> 8 & 0xFF}"
        )
    kind, content = _element(stream, order, limit)
    try:
        if min(shape) < 0:  # reshape would make something of one -1
            raise ValueError
        return name, np.frombuffer(content, np.dtype(STORED[kind]).newbyteorder(order)).reshape(shape, order="F")
    except (KeyError, ValueError):
        raise DataError(
            f"{name} is damaged: {len(content)} bytes of type {kind} for an array of shape {shape}"
        ) from None


def _element(stream, order, limit):
    """Type and content of the next element inside a variable."""
    tag = stream.exactly(8)
    kind, length = struct.unpack(order + "II", tag)
    if kind >> 16:
        kind, length = kind & 0xFFFF, kind >> 16
        if length > 4:
            raise DataError(f"the file is damaged: {length} bytes in a tag that holds four")
        return kind, tag[4 : 4 + length]
    if length > limit:
        raise DataError(f"expected at most {limit} bytes, got an element of {length}")
    content = stream.exactly(length)
    stream.read(-length % 8)  # what fills it up; not every writer fills up the last one
    return kind, content


class _Stream:
    """The inside of a variable."""

    def read(self, size: int) -> bytes:
        raise NotImplementedError

    def exactly(self, size: int) -> bytes:
        content = self.read(size)
        if len(content) != size:
            raise DataError("the file is truncated or damaged")
        return content


class _Stored(_Stream):
    """Reads the next `length` bytes of a file."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self.file, self.left = file, length

    def read(self, size: int) -> bytes:
        content = self.file.read(min(size, self.left))
        self.left -= len(content)
        return content

    def finish(self) -> None:
        """What is left is of no interest."""


class _Inflated(_Stream):
    """Reads what the next `length` bytes of a file unpack to, no more of it than is asked for."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self.file, self.left, self.zlib = file, length, zlib.decompressobj()

    def read(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size and not self.zlib.eof:
            packed = self.zlib.unconsumed_tail
            if not packed:
                packed = self.file.read(min(self.left, 1 << 20))
                self.left -= len(packed)
            chunk = self.zlib.decompress(packed, size - len(content))
            content += chunk
            if not packed and not chunk:
                break
        return content

    def finish(self) -> None:
        """Check that nothing is left and that the check sum, which is at the end, is right."""
        if self.read(1) or not self.zlib.eof:
            raise DataError("the file is damaged: a variable does not end where its packed content does")
