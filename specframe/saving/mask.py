"""mask: the nonzero values and one bit an entry; rows without any entry cost one bit altogether.

    bytes = itemsize nnz + F * columns / 8 + rows / 8            F of the rows have an entry

At most 8 d M + M / 8 for complex64 at density d, plus a bit a row where some rows are empty. Against csr, 1/32 of an
index an entry instead of an index a value and the row pointers: smaller from a density of 1/32 on, and below that
where rows are short or empty.
"""

from typing import Any

from specframe import backend
from specframe.saving.dense import own
from specframe.saving.handle import Bytes, Handle
from specframe.saving.sparse import Sparse, matrix_shape
from specframe.saving.store import Store


class Mask(Handle):
    """The entries of a Sparse. A subclass may encode the values; the bits are exact whatever it does to them."""

    format = "mask"
    fresh = True

    def __init__(self, sparse: Sparse) -> None:
        b = backend.of("store", sparse.values)
        self.shape, self.dtype, self.density = sparse.shape, sparse.dtype, sparse.density
        self._backend, self._support_shape = b, sparse.support.shape
        self._values = self._encode(sparse.values)
        self._support = b.packbits(sparse.support)
        self._rows = None
        if sparse.rows is not None:
            filled = b.xp.zeros(matrix_shape(self.shape)[0], bool)
            filled[sparse.rows] = True
            self._rows = b.packbits(filled)
        self.bytes = Bytes(self._values.nbytes, masks=mask_bytes(sparse))

    def _encode(self, values: Any) -> Any:
        return own(values)

    def _decode(self) -> Any:
        return self._values

    def sparse(self) -> Sparse:
        b = self._backend
        f, columns = self._support_shape
        rows = None
        if self._rows is not None:
            rows = b.xp.flatnonzero(b.unpackbits(self._rows, matrix_shape(self.shape)[0]))
        support = b.unpackbits(self._support, f * columns).reshape(f, columns)
        return Sparse(self.shape, rows, support, self._decode())

    def dense(self) -> Any:
        return self.sparse().dense()


def mask_bytes(sparse: Sparse) -> int:
    """Bytes of the bits that say where the entries of a Sparse are."""
    rows = 0 if sparse.rows is None else matrix_shape(sparse.shape)[0]
    return int(-(-sparse.support.size // 8) + -(-rows // 8))


class MaskStore(Store):
    """Keep every array as bits and the values they mark."""

    name = "mask"

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> Mask:
        return Mask(sparse or Sparse.of(array))
