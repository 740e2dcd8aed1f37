"""Sparse: the nonzero entries of an array, row by row, where a row is a frequency.

A spectrum (P, Q, batch, channels) is seen as a matrix of P * Q rows, one a frequency, and batch * channels columns.
After the threshold most rows are empty for the whole batch, so a Sparse first names the rows that are not, then the
entries inside them. It is what the spectral ops produce and consume, and what the csr and mask formats are made from.

An entry is zero where all its bits are: a -0.0 counts as nonzero, because a lossless format must give it back.
"""

import math
from typing import Any

import numpy as np

from specframe import backend

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """(rows, columns) under which an array of `shape` is packed.

    Maps and spectra (four axes): (axis 0 * axis 1, batch * channels). Others: (first axis, the rest).

    >>> matrix_shape((32, 17, 64, 6)), matrix_shape((64, 120)), matrix_shape(())
    ((544, 384), (64, 120), (1, 1))
    """
    lead = 2 if len(shape) == 4 else 1
    return math.prod(shape[:lead]), math.prod(shape[lead:])


def bits_of(array: Any) -> Any:
    """Whole numbers, or booleans, of the array's shape: zero where all bits of an entry are.

    >>> (bits_of(np.array([0.0, -0.0, 5e-324, np.nan])) != 0).tolist()
    [False, True, True, True]
    """
    if array.dtype.kind == "c" and array.dtype.itemsize > 8:
        return bits_of(array.real) | bits_of(array.imag)
    unsigned = _UNSIGNED.get(array.dtype.itemsize)
    if unsigned is None:  # a long double has bits that say nothing
        return (array != 0) | np.signbit(array)
    return array.view(unsigned)  # which NumPy compares and counts faster than reals and complex numbers


def count_nonzero(array: Any) -> int | None:
    """How many entries are nonzero, or None where asking would make the host wait for the device."""
    b = backend.of("store", array)
    return None if b.reading_waits else int(b.xp.count_nonzero(bits_of(array)))


class Sparse:
    """The nonzero entries of an array.

    Attributes
    ----------
    shape, dtype : of the dense array
    rows : integer array (F,), or None
        The rows that hold anything, in order; None when all rows are listed.
    support : bool array (F, columns)
        Where, in these rows, the entries are.
    values : array (nnz,)
        The entries, in the order of `support`.
    array : the dense array itself, where the maker has it, else None
    """

    __slots__ = ("array", "dtype", "rows", "shape", "support", "values")

    def __init__(self, shape: tuple[int, ...], rows: Any, support: Any, values: Any, array: Any = None) -> None:
        self.shape, self.dtype = tuple(shape), values.dtype
        self.rows, self.support, self.values, self.array = rows, support, values, array

    @classmethod
    def of(cls, array: Any, count: int | None = None) -> "Sparse":
        """Gather the nonzero entries of `array`; `count`, where known, spares the device a question."""
        b = backend.of("store", array)
        matrix = array.reshape(matrix_shape(array.shape))
        support, rows = bits_of(matrix) != 0, None
        if not b.reading_waits:
            active = support.any(axis=1)
            if not active.all():
                rows = b.xp.flatnonzero(active)
                support, matrix = support[rows], matrix[rows]
        if count is None:
            count = int(b.xp.count_nonzero(support))
        return cls(array.shape, rows, support, b.compress(matrix, support, count), array)

    @property
    def nnz(self) -> int:
        return int(self.values.size)

    @property
    def density(self) -> float:
        return self.nnz / max(1, math.prod(self.shape))

    def dense(self) -> Any:
        """The array itself."""
        b = backend.of("store", self.values)
        inside = b.expand(self.values, self.support)
        if self.rows is None:
            return inside.reshape(self.shape)
        matrix = b.xp.zeros(matrix_shape(self.shape), self.dtype)
        matrix[self.rows] = inside
        return matrix.reshape(self.shape)
