"""Exercise 24: lossless, to the last bit.

A store packs an array into its shape, one bit an entry, and the values of the entries that are there. Two things do not
come back as they were. Mend them, without keeping more: ceil(size / 8) bytes of bits, and no value that needs none.
"""

import numpy as np


def pack(array):
    """(shape, bits, values): float or complex arrays of any shape."""
    kept = array != 0
    return array.shape, np.packbits(kept), array[kept]


def unpack(shape, bits, values):
    """The array again."""
    array = np.zeros(shape, complex if values.dtype.kind == "c" else float)
    kept = np.unpackbits(bits, count=array.size).reshape(shape).astype(bool)
    array[kept] = values
    return array
