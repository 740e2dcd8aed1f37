"""Sparse: the nonzero entries of an array, row by row, where a row is a frequency.

A spectrum (P, Q, batch, channels) is seen as a matrix of P * Q rows, one a frequency, and batch * channels columns.
After the threshold most rows are empty for the whole batch, so a Sparse first names the rows that are not, then the
entries inside them. It is what the spectral ops produce and consume, and what the csr and mask formats are made from.
"""

import math

from specframe import backend


def matrix_shape(shape):
    """(rows, columns) under which an array of `shape` is packed.

    Maps and spectra (four axes): (axis 0 * axis 1, batch * channels). Others: (first axis, the rest).

    >>> matrix_shape((32, 17, 64, 6)), matrix_shape((64, 120)), matrix_shape(())
    ((544, 384), (64, 120), (1, 1))
    """
    lead = 2 if len(shape) == 4 else 1
    return math.prod(shape[:lead]), math.prod(shape[lead:])


class Sparse:
    """Nonzero entries of an array.

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

    def __init__(self, shape, rows, support, values, array=None):
        self.shape, self.dtype = tuple(shape), values.dtype
        self.rows, self.support, self.values, self.array = rows, support, values, array

    @classmethod
    def of(cls, array, count=None):
        """Gather the nonzero entries of `array`; `count`, where known, spares the device a question."""
        b = backend.of("store", array)
        matrix = array.reshape(matrix_shape(array.shape))
        support, rows = matrix != 0, None
        if not b.reading_waits:
            active = support.any(axis=1)
            if not active.all():
                rows = b.xp.flatnonzero(active)
                support, matrix = support[rows], matrix[rows]
        if count is None:
            count = int(b.xp.count_nonzero(support))
        return cls(array.shape, rows, support, b.compress(matrix, support, count), array)

    @property
    def nnz(self):
        return self.values.size

    @property
    def density(self):
        return self.nnz / max(1, math.prod(self.shape))

    def dense(self):
        """The array itself."""
        b = backend.of("store", self.values)
        inside = b.expand(self.values, self.support)
        if self.rows is None:
            return inside.reshape(self.shape)
        matrix = b.xp.zeros(matrix_shape(self.shape), self.dtype)
        matrix[self.rows] = inside
        return matrix.reshape(self.shape)


def count_nonzero(array):
    """Nonzero entries as a Python int, or None where asking would make the host wait for the device."""
    b = backend.of("store", array)
    if b.reading_waits:
        return None
    return int(b.xp.count_nonzero(array != 0 if array.dtype.kind == "c" else array))  # NumPy counts complex slowly
