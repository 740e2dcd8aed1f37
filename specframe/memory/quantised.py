"""quant: every entry in a few bits, zeros too, as ActNN keeps activations.

    bytes = (32 bits + s) * ceil(R / 256)          R reals of s bytes each, a complex entry is two

An op that reads decisions off the zeros of what it saved gets the mask format with such values instead: rounding may
make an entry zero.
"""

from specframe.memory.reduced import SMALL, ReducedStore, Whole, kept_exactly
from specframe.memory.reduced_mask import ReducedMask
from specframe.saving.sparse import Sparse, count_nonzero


class LossyStore(ReducedStore):
    """Base of the stores that may change which entries are zero: `_reduced(array, key)` is a Handle of a large array.

    Small arrays are kept exactly, and those whose zeros are decisions as a mask with reduced values.
    """

    def pack(self, array, sparse=None, exact_zeros=False):
        if array.size < SMALL:
            return kept_exactly(array, sparse)
        key = self._next_key()
        if sparse is not None or exact_zeros:
            return ReducedMask(sparse or Sparse.of(array), self.values, key)
        return self._reduced(array, key)

    def _reduced(self, array, key):
        raise NotImplementedError


class QuantStore(LossyStore):
    """Keep every array whole with reduced values; arrays of fewer than 1024 entries exactly.

    Parameters
    ----------
    values : one of specframe.memory.values.KINDS
    """

    name = "quant"

    def __init__(self, values="int8"):
        super().__init__(values)

    def _reduced(self, array, key):
        return Whole(array, self.values, key, count_nonzero(array))
