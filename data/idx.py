"""Read IDX files, the format in which MNIST is published.

    bytes 0, 1      zero
    byte 2          type of the numbers; 0x08 is uint8, the only one here
    byte 3          number of axes
    4 bytes each    length of each axis, big-endian
    the rest        the numbers, last axis fastest

Files may be packed with gzip; that is seen from their first two bytes, not from their name. Everything the header says
is checked before memory is taken and against what follows, so that a damaged file ends in one sentence and not in
noise that trains.
"""

import gzip
import math
import os
import struct
import zlib

import numpy as np

from specframe.data.limits import check_ratio
from specframe.data.published import DataError

UINT8 = 0x08
LIMIT = 70_000 * 28 * 28  # numbers: all of MNIST in one file


def read_idx(path: str | os.PathLike[str], ndim: int, limit: int = LIMIT) -> np.ndarray:
    """The array in an IDX file of unsigned bytes.

    Parameters
    ----------
    path : path
        Plain or gzip.
    ndim : int
        The number of axes the file must have: 3 for images, 1 for labels.
    limit : int
        The most bytes that its numbers may take.

    Returns
    -------
    uint8 array with `ndim` axes, read-only

    Raises
    ------
    DataError
        The file cannot be read, is empty, truncated or too long; its header says another type or number of axes, or
        more numbers than `limit`, or than its packed size can mean.
    """
    start = 4 + 4 * ndim
    try:
        length = os.path.getsize(path)
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with (gzip.open if packed else open)(path, "rb") as file:
            shape = _shape(path, file.read(start), ndim)
            size = math.prod(shape)
            wrong = f"{path}: expected {start + size} bytes for an array of shape {shape}, got"
            if not packed and length != start + size:
                raise DataError(f"{wrong} {length}")
            if size > limit:
                raise DataError(f"{path}: expected at most {limit} numbers, got a header for an array of shape {shape}")
            check_ratio(path, size, length)
            content = file.read(size)
            more = file.read(1)  # and with it the check sum at the end
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file, got a truncated or damaged one ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error
    if len(content) != size or more:
        raise DataError(f"{wrong} {'more' if more else start + len(content)}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def header(shape: tuple[int, ...]) -> bytes:
    """The first bytes of an IDX file of unsigned bytes of that shape."""
    return struct.pack(f">{1 + len(shape)}I", UINT8 << 8 | len(shape), *shape)


def _shape(path, content, ndim):
    """The shape that a file's first bytes give."""
    if not content:
        raise DataError(f"{path}: expected an IDX file, got an empty file")
    magic = header((0,) * ndim)[:4]
    if content[:4] != magic:
        raise DataError(f"{path}: expected an IDX file that begins with 0x{magic.hex()}, got 0x{content[:4].hex()}")
    if len(content) < 4 + 4 * ndim:
        raise DataError(f"{path}: expected a header of {4 + 4 * ndim} bytes, got a file of {len(content)}")
    shape = struct.unpack_from(f">{ndim}I", content, 4)
    if math.prod(shape) == 0:
        raise DataError(f"{path}: expected at least one entry, got a header for an array of shape {shape}")
    return shape
