"""csr: compressed sparse rows, the paper's way; a row is a frequency.

    bytes = (itemsize + 4) nnz + 4 (rows + 1)          12 d M + 4 (rows + 1) for complex64 at density d

The library's sparse array holds the three buffers. They are filled and emptied here: building one from a dense array
would copy the array once more, and unpacking through `toarray` sorts first on CuPy.
"""

import numpy as np

from specframe import backend
from specframe.saving.handle import Bytes, Handle
from specframe.saving.sparse import Sparse, matrix_shape
from specframe.saving.store import Store


class CSR(Handle):
    format = "csr"

    def __init__(self, sparse):
        b = backend.of("store", sparse.values)
        xp, (rows, columns) = b.xp, matrix_shape(sparse.shape)
        self.shape, self.dtype, self.density = sparse.shape, sparse.dtype, sparse.density
        index = np.int32 if max(rows * columns, 1) < 2**31 else np.int64
        per_row = xp.zeros(rows + 1, index)
        per_row[1:][... if sparse.rows is None else sparse.rows] = sparse.support.sum(axis=1, dtype=index)
        pointers = xp.cumsum(per_row, dtype=index)
        indices = xp.nonzero(sparse.support)[1].astype(index)
        self.matrix = b.sparse.csr_array((sparse.values, indices, pointers), shape=(rows, columns))
        self.bytes = Bytes(self.matrix.data.nbytes, self.matrix.indices.nbytes, self.matrix.indptr.nbytes)

    def sparse(self):
        xp = backend.of("store", self.matrix.data).xp
        return Sparse(self.shape, None, self._scatter(xp.ones(self.matrix.data.size, bool)), self.matrix.data)

    def dense(self):
        return self._scatter(self.matrix.data).reshape(self.shape)

    def _scatter(self, values):
        xp, (rows, columns) = backend.of("store", values).xp, matrix_shape(self.shape)
        flat = xp.zeros(rows * columns, values.dtype)
        entry = xp.arange(values.size)
        row = xp.searchsorted(self.matrix.indptr, entry, side="right") - 1  # the row that each entry lies in
        flat[row * columns + self.matrix.indices] = values
        return flat.reshape(rows, columns)


class CSRStore(Store):
    """Keep every array as compressed sparse rows."""

    name = "csr"

    def pack(self, array, sparse=None, exact_zeros=False):
        return CSR(sparse or Sparse.of(array))
