"""mask16, mask8, mask4: the mask format with reduced values, or codes of all entries where that takes fewer bytes.

    bytes = min(values(nnz) + F * columns / 8 + rows / 8, values(M))            F of the rows have an entry

where values(n) is what n reduced values take (specframe/memory/values.py).
"""

from typing import Any

from specframe import backend
from specframe.memory.reduced import ReducedMask, ReducedStore
from specframe.memory.values import sizes
from specframe.saving.handle import Handle
from specframe.saving.mask import mask_bytes
from specframe.saving.sparse import Sparse, bits_of


class ReducedMaskStore(ReducedStore):
    """Keep every array as bits and the reduced values they mark, or without the bits where that is smaller.

    Arrays of fewer than 1024 entries, and integers, are kept exactly.

    Parameters
    ----------
    values : one of specframe.memory.values.KINDS
    """

    name = "mask"

    def reduced(self, array: Any, key: tuple[int, ...]) -> Handle:
        b = backend.of("store", array)
        count = int(b.xp.count_nonzero(bits_of(array)))
        whole = sum(sizes(self.values, array.size, array.dtype))
        masked = sum(sizes(self.values, count, array.dtype))
        if whole <= masked + -(-count // 8):  # an entry costs a bit at least: no need to gather them
            return self.whole(array, key, count)
        sparse = Sparse.of(array, count)
        if whole <= masked + mask_bytes(sparse):
            return self.whole(array, key, count)
        return ReducedMask(sparse, self.values, key)
