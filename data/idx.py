"""Read IDX files, the format in which MNIST is published.

    bytes 0, 1      zero
    byte 2          type of the numbers; 0x08 is uint8, the only one here
    byte 3          number of axes
    4 bytes each    length of each axis, big-endian
    the rest        the numbers, last axis fastest

Files may be packed with gzip; that is seen from their first two bytes, not from their name. Everything the header says
is checked against what follows, so that a damaged file ends in one sentence and not in noise that trains.
"""

import gzip
import math
import struct
import zlib

import numpy as np

from specframe.data.files import DataError

UINT8 = 0x08


def read_idx(path, ndim):
    """The array in an IDX file of unsigned bytes.

    Parameters
    ----------
    path : path
        Plain or gzip.
    ndim : int
        The number of axes the file must have: 3 for images, 1 for labels.

    Returns
    -------
    uint8 array with `ndim` axes, read-only

    Raises
    ------
    DataError
        The file cannot be read, is empty, truncated or too long, or its header says another type or number of axes.
    """
    content = _read(path)
    if not content:
        raise DataError(f"{path}: expected an IDX file, got an empty file")
    magic, start = UINT8 << 8 | ndim, 4 + 4 * ndim
    found = int.from_bytes(content[:4], "big")
    if len(content) < 4 or found != magic:
        raise DataError(f"{path}: expected an IDX file that begins with 0x{magic:08x}, got 0x{content[:4].hex()}")
    if len(content) < start:
        raise DataError(f"{path}: expected a header of {start} bytes, got a file of {len(content)}")
    shape = struct.unpack_from(f">{ndim}I", content, 4)
    if math.prod(shape) == 0:
        raise DataError(f"{path}: expected at least one entry, got a header for an array of shape {shape}")
    if len(content) != start + math.prod(shape):
        raise DataError(
            f"{path}: expected {start + math.prod(shape)} bytes for an array of shape {shape}, got {len(content)}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read(path):
    """All bytes of a file, unpacked."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with (gzip.open if packed else open)(path, "rb") as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file, got a truncated or damaged one ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error
