"""mask: the nonzero values and one bit an entry; rows without any entry cost one bit altogether.

    bytes = values(nnz) + F * columns / 8 + rows / 8            F of the rows have an entry

where values(nnz) is itemsize * nnz, or what that many reduced values take (specframe/storage/values.py). At most
8 d M + M / 8 for complex64 at density d, plus a bit a row where some rows are empty. Against csr, 1/32 of an index an
entry instead of an index a value: smaller from a density of 1/32 on, and below that where rows are empty.

The bits are exact whatever the values are: an entry that rounding makes zero is still listed.
"""

from specframe import backend
from specframe.storage.handle import Bytes, Handle
from specframe.storage.reduced import SMALL, ReducedStore, Whole, kept_exactly
from specframe.storage.sparse import Sparse, matrix_shape
from specframe.storage.values import encode, sizes


class Mask(Handle):
    """The entries of a Sparse, their values encoded as `values` with the draws of `key`; `format` goes before that."""

    def __init__(self, sparse, values="exact", key=(0,), format="mask"):
        b = backend.of("store", sparse.values)
        self.shape, self.dtype, self.density = sparse.shape, sparse.dtype, sparse.density
        self.format = format if values == "exact" else f"{format} {values}"
        self._backend, self._support_shape = b, sparse.support.shape
        self._values = encode(sparse.values, values, key)
        self._support = b.packbits(sparse.support)
        self._rows = None
        if sparse.rows is not None:
            active = b.xp.zeros(matrix_shape(self.shape)[0], bool)
            active[sparse.rows] = True
            self._rows = b.packbits(active)
        self.bytes = Bytes(self._values.nbytes, masks=mask_bytes(sparse), scales=self._values.scale_nbytes)

    def sparse(self):
        b = self._backend
        f, columns = self._support_shape
        rows = None
        if self._rows is not None:
            rows = b.xp.flatnonzero(b.unpackbits(self._rows, matrix_shape(self.shape)[0]))
        support = b.unpackbits(self._support, f * columns).reshape(f, columns)
        return Sparse(self.shape, rows, support, self._values.decode())

    def dense(self):
        return self.sparse().dense()

    def support(self):
        return self.sparse().full_support()


def mask_bytes(sparse):
    """Bytes of the bits that say where the entries of a Sparse are."""
    rows = 0 if sparse.rows is None else matrix_shape(sparse.shape)[0]
    return -(-sparse.support.size // 8) + -(-rows // 8)


class MaskStore(ReducedStore):
    """Keep every array as bits and the values they mark.

    With reduced values, arrays of fewer than 1024 entries are kept whole and exact; others without the bits where that
    takes fewer bytes, unless the op asks for its zeros.

    Parameters
    ----------
    values : one of specframe.storage.values.KINDS
    """

    name = "mask"

    def __init__(self, values="exact"):
        super().__init__(values)

    def pack(self, array, sparse=None, exact_zeros=False):
        if self.lossless:
            return Mask(sparse or Sparse.of(array))
        if array.size < SMALL:
            return kept_exactly(array, sparse)
        key = self._next_key()
        if sparse is None and not exact_zeros:
            b = backend.of("store", array)
            count = int(b.xp.count_nonzero(array != 0))  # NumPy counts booleans several times faster than numbers
            whole = sum(sizes(self.values, array.size, array.dtype))
            masked = sum(sizes(self.values, count, array.dtype))
            if whole <= masked + -(-count // 8):  # an entry costs a bit at least: no need to gather them
                return Whole(array, self.values, key, count)
            sparse = Sparse.of(array, count)
            if whole <= masked + mask_bytes(sparse):
                return Whole(array, self.values, key, count)
        return Mask(sparse or Sparse.of(array), self.values, key)
