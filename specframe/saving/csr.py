"""csr: compressed sparse rows, the paper's way; a row is a frequency.

    bytes = (itemsize + 4) nnz + 4 (rows + 1)          12 d M + 4 (rows + 1) for complex64 at density d

The three buffers are those of the library's sparse array: `matrix` is that array, of scipy.sparse on the CPU, of cupyx
on a GPU. They are filled and emptied here: building it from a dense array would copy the array once more, unpacking
through `toarray` sorts first on CuPy, and there the host waits wherever one is made. What these libraries do not hold
(integers, half precision) is packed as mask.
"""

import math
from typing import Any

import numpy as np

from specframe import backend
from specframe.saving.dense import own
from specframe.saving.handle import Bytes, Handle
from specframe.saving.mask import Mask
from specframe.saving.sparse import Sparse, matrix_shape
from specframe.saving.store import Store

LARGEST = 2**31 - 1  # entries of an array whose positions fit the libraries' 32-bit indices


class CSR(Handle):
    format = "csr"
    fresh = True

    def __init__(self, sparse: Sparse) -> None:
        b = backend.of("store", sparse.values)
        xp, (rows, columns) = b.xp, matrix_shape(sparse.shape)
        self.shape, self.dtype, self.density = sparse.shape, sparse.dtype, sparse.density
        per_row = xp.zeros(rows + 1, np.int32)
        per_row[1:][... if sparse.rows is None else sparse.rows] = sparse.support.sum(axis=1, dtype=np.int32)
        pointers = xp.cumsum(per_row, dtype=np.int32)
        column = xp.broadcast_to(xp.arange(columns, dtype=np.int32), sparse.support.shape)
        indices = b.compress(column, sparse.support, sparse.nnz)
        self._values, self._indices, self._pointers = own(sparse.values), indices, pointers
        self.bytes = Bytes(self._values.nbytes, indices.nbytes, pointers.nbytes)

    @property
    def matrix(self) -> Any:
        """The library's sparse array of the three buffers, without a copy. On a GPU the host waits for it."""
        b, parts = backend.of("store", self._values), (self._values, self._indices, self._pointers)
        return b.sparse.csr_array(parts, shape=matrix_shape(self.shape))

    def sparse(self) -> Sparse:
        marks = backend.of("store", self._values).xp.ones(self._values.size, bool)
        return Sparse(self.shape, None, self._scatter(marks), self._values)

    def dense(self) -> Any:
        return self._scatter(self._values).reshape(self.shape)

    def _scatter(self, values: Any) -> Any:
        xp, (rows, columns) = backend.of("store", values).xp, matrix_shape(self.shape)
        flat = xp.zeros(rows * columns, values.dtype)
        entry = xp.arange(values.size)
        row = xp.searchsorted(self._pointers, entry, side="right") - 1  # the row that each entry lies in
        flat[row * columns + self._indices] = values
        return flat.reshape(rows, columns)


def fits(array: Any) -> bool:
    """Whether the libraries' sparse arrays hold an array (or a Sparse) of its dtype and size."""
    return array.dtype in (np.float32, np.float64, np.complex64, np.complex128) and math.prod(array.shape) <= LARGEST


class CSRStore(Store):
    """Keep every array as compressed sparse rows."""

    name = "csr"

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> CSR | Mask:
        return (CSR if fits(array) else Mask)(sparse or Sparse.of(array))
