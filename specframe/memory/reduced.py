"""What the stores of reduced values share: a key for each array, small arrays kept exactly, a whole array in codes.

    bytes of a whole array = those of its values (specframe/memory/values.py)
"""

import math

from specframe.memory.values import check_kind, encode
from specframe.saving.dense import Dense
from specframe.saving.handle import Bytes, Handle
from specframe.saving.sparse import count_nonzero
from specframe.saving.store import Store

SMALL = 1024  # entries: logits and statistics are below it; they weigh little, and much hangs on them


class Whole(Handle):
    """An array of which every entry is encoded, zeros too."""

    def __init__(self, array, values, key, count=None):
        self.shape, self.dtype, self.format = array.shape, array.dtype, f"quant {values}"
        self.density = None if count is None else count / max(1, math.prod(self.shape))
        self._values = encode(array.reshape(-1), values, key)
        self.bytes = Bytes(values=self._values.nbytes, scales=self._values.scale_nbytes)

    def dense(self):
        return self._values.decode().reshape(self.shape)


class ReducedStore(Store):
    """Base of the stores whose values are encoded."""

    def __init__(self, values):
        self.values = check_kind(values, f"store {self.name}")
        self.lossless = values == "exact"
        self.begin((0,))

    def begin(self, key):
        self._key, self._packed = tuple(key), 0

    def _next_key(self):
        """Another key at each call, the same ones after the same `begin`."""
        self._packed += 1
        return (*self._key, self._packed)


def kept_exactly(array, sparse):
    return Dense(array, sparse.nnz if sparse else count_nonzero(array))
