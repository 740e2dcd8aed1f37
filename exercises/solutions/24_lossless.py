"""Exercise 24: lossless, to the last bit. The solution.

-0.0 equals 0, but it is another number: 1 / -0.0 is minus infinity, and the angle of a complex number on the negative
real axis depends on it. Such an entry has a bit set. So what decides is not whether an entry equals 0 but whether all
its bits are zero, and then np.zeros brings it back exactly. (NaN is not equal to 0, and was kept already.)

The type: np.zeros(shape) is float64. The values know what they were.
"""

import numpy as np


def bits_of(array):
    """The bytes of each entry, along a new last axis."""
    array = np.ascontiguousarray(array)
    return array.view(np.uint8).reshape(*array.shape, array.itemsize)


def pack(array):
    """(shape, bits, values): float or complex arrays of any shape."""
    kept = bits_of(array).any(axis=-1)
    return array.shape, np.packbits(kept), array[kept]


def unpack(shape, bits, values):
    """The array again."""
    array = np.zeros(shape, values.dtype)
    kept = np.unpackbits(bits, count=array.size).reshape(shape).astype(bool)
    array[kept] = values
    return array
