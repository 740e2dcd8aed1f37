"""mask: the nonzero values and one bit an entry; rows without any entry cost one bit altogether.

    bytes = itemsize * nnz + F * columns / 8 + rows / 8         F of the rows have an entry

At most 8 d M + M / 8 for complex64 at density d, plus a bit a row where some rows are empty. Against csr, 1/32 of an
index an entry instead of an index a value: smaller from a density of 1/32 on, and below that where rows are empty.
"""

from specframe import backend
from specframe.storage.handle import Bytes, Handle, Store
from specframe.storage.sparse import Sparse, matrix_shape


class Mask(Handle):
    format = "mask"

    def __init__(self, sparse):
        b = backend.of("store", sparse.values)
        self.shape, self.dtype, self.density = sparse.shape, sparse.dtype, sparse.density
        self._values = sparse.values
        self._support_shape = sparse.support.shape
        self._support = b.packbits(sparse.support)
        self._rows = None
        if sparse.rows is not None:
            active = b.xp.zeros(matrix_shape(self.shape)[0], bool)
            active[sparse.rows] = True
            self._rows = b.packbits(active)
        masks = self._support.nbytes + (0 if self._rows is None else self._rows.nbytes)
        self.bytes = Bytes(values=self._values.nbytes, masks=masks)

    def sparse(self):
        b = backend.of("store", self._values)
        f, columns = self._support_shape
        rows = None
        if self._rows is not None:
            rows = b.xp.flatnonzero(b.unpackbits(self._rows, matrix_shape(self.shape)[0]))
        support = b.unpackbits(self._support, f * columns).reshape(f, columns)
        return Sparse(self.shape, rows, support, self._values)

    def dense(self):
        return self.sparse().dense()

    def support(self):
        return self.sparse().full_support()


class MaskStore(Store):
    """Keep every array as bits and the values they mark."""

    name = "mask"

    def pack(self, array, sparse=None, exact_zeros=False):
        return Mask(sparse or Sparse.of(array))
