"""mask16, mask8, mask4: the mask format with reduced values.

    bytes = values(nnz) + F * columns / 8 + rows / 8            F of the rows have an entry

where values(nnz) is what that many reduced values take (specframe/memory/values.py). The bits stay exact: an entry that
rounding makes zero is still listed.
"""

from specframe import backend
from specframe.memory.reduced import SMALL, ReducedStore, Whole, kept_exactly
from specframe.memory.values import encode, sizes
from specframe.saving.mask import Mask, mask_bytes
from specframe.saving.sparse import Sparse


class ReducedMask(Mask):
    """A mask whose values are encoded as `values` with the draws of `key`; `format` goes before that in the ledger."""

    def __init__(self, sparse, values, key, format="mask"):
        self.format = format if values == "exact" else f"{format} {values}"
        self._kind, self._key = values, key
        super().__init__(sparse)
        self.bytes = self.bytes._replace(scales=self._values.scale_nbytes)

    def _encode(self, values):
        return encode(values, self._kind, self._key)

    def _decode(self):
        return self._values.decode()


class ReducedMaskStore(ReducedStore):
    """Keep every array as bits and the reduced values they mark.

    Arrays of fewer than 1024 entries are kept whole and exact; others without the bits where that takes fewer bytes,
    unless the op reads decisions off the zeros.

    Parameters
    ----------
    values : one of specframe.memory.values.KINDS
    """

    name = "mask"

    def pack(self, array, sparse=None, exact_zeros=False):
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
        return ReducedMask(sparse or Sparse.of(array), self.values, key)
