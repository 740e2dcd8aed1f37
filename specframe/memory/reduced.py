"""Reduced values: an array in codes, its entries in codes behind exact bits, and what the stores of both share.

    bytes in codes              = those of its values (specframe/memory/values.py)
    bytes as a mask of codes    = values(nnz) + F * columns / 8 + rows / 8            F of the rows have an entry

Only large arrays of floating point are reduced. Small ones (logits, statistics) weigh little, and much depends on them;
integers and booleans are names of things, and rounding one gives another.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from specframe.memory.values import check_kind, encode
from specframe.saving.dense import Dense
from specframe.saving.handle import Bytes, Handle
from specframe.saving.mask import Mask
from specframe.saving.sparse import Sparse, count_nonzero
from specframe.saving.store import Store

SMALL = 1024  # entries: arrays below are kept exactly


class Whole(Handle):
    """A large array of which every entry is in codes, zeros too."""

    fresh = True

    def __init__(self, array: Any, values: str, key: Sequence[int], count: int | None) -> None:
        self.shape, self.dtype, self.format = array.shape, array.dtype, f"quant {values}"
        self.density = None if count is None else count / math.prod(self.shape)
        self._values = encode(array.reshape(-1), values, key)
        self.bytes = Bytes(values=self._values.nbytes, scales=self._values.scale_nbytes)

    def dense(self) -> Any:
        return self._values.decode().reshape(self.shape)


class ReducedMask(Mask):
    """A mask with the values in codes; `format` goes before their kind in the ledger. The bits stay exact: an entry
    that rounding makes zero is still listed."""

    def __init__(self, sparse: Sparse, values: str, key: Sequence[int], format: str = "mask") -> None:
        self.format = format if values == "exact" else f"{format} {values}"
        self._kind, self._key = values, key
        super().__init__(sparse)
        self.bytes = self.bytes._replace(scales=self._values.scale_nbytes)

    def _encode(self, values: Any) -> Any:
        return encode(values, self._kind, self._key)

    def _decode(self) -> Any:
        return self._values.decode()


class ReducedStore(Store):
    """Base of the stores that reduce values: `reduced(array, key)` is a Handle of a large array, which may come back
    with other zeros. Where zeros are decisions, the array is kept as a mask with reduced values.

    Parameters
    ----------
    values : one of specframe.memory.values.KINDS
    """

    def __init__(self, values: str) -> None:
        self.values = check_kind(values, f"store {self.name}")
        self.lossless = values == "exact"
        self.begin((0,))

    def begin(self, key: tuple[int, ...]) -> None:
        self._key, self._packed = tuple(key), 0

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> Handle:
        if array.size < SMALL or array.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
            return Dense(array, sparse.nnz if sparse else count_nonzero(array))
        self._packed += 1
        key = (*self._key, self._packed)  # another for each array, the same ones after the same `begin`
        if sparse is not None or exact_zeros:
            return ReducedMask(sparse or Sparse.of(array), self.values, key)
        return self.reduced(array, key)

    def reduced(self, array: Any, key: tuple[int, ...]) -> Handle:
        raise NotImplementedError

    def whole(self, array: Any, key: tuple[int, ...], count: int | None) -> Handle:
        """Every entry in codes; `count` of them are not zero."""
        return Dense(array, count) if self.values == "exact" else Whole(array, self.values, key, count)
