"""topk: of each array the largest entries by absolute value, the others become zero, as DropIT and Back Razor do.

    K = max(1, round(rate * M))        keep x where |x| >= t, t the K-th largest |x|, and x is not zero
    bytes = those of the mask format with the entries kept

Entries that tie with the K-th largest are all kept; where fewer than K are not zero, there are fewer: what is below the
smallest normal number counts as zero. A NaN is kept
besides the K.
"""

from typing import Any

import numpy as np

from specframe import backend
from specframe.memory.reduced import ReducedMask, ReducedStore
from specframe.saving.handle import Handle
from specframe.saving.sparse import Sparse


class TopKStore(ReducedStore):
    """Keep a share of the entries of every array; arrays of fewer than 1024 entries, and integers, exactly.

    An array whose zeros are decisions keeps all its entries: only their values are reduced.

    Parameters
    ----------
    rate : float, or text of one, in (0, 1]
        Share of the entries kept.
    values : one of specframe.memory.values.KINDS

    Raises
    ------
    ValueError
        Another rate or kind of values.
    """

    name = "topk"

    def __init__(self, rate: float | str = 0.1, values: str = "exact") -> None:
        super().__init__(values)
        self.lossless = False
        try:
            self.rate = float(rate)
        except (TypeError, ValueError):
            self.rate = 0.0
        if not 0 < self.rate <= 1:
            raise ValueError(f"store topk: the rate is a number above 0 and up to 1, got {rate!r}")

    def reduced(self, array: Any, key: tuple[int, ...]) -> Handle:
        return ReducedMask(Sparse.of(largest(array, self.rate)), self.values, key, "topk")


def largest(array: Any, rate: float) -> Any:
    """The array with zeros in place of all but its round(rate * size) largest entries, at least one."""
    xp = backend.of("store", array).xp
    with np.errstate(over="ignore"):  # |x + iy| may be infinite where x and y are not
        ranks = xp.absolute(array)
    xp.negative(ranks, out=ranks)  # largest first: NumPy's partition is slow where many entries tie at its lower end
    place = max(1, round(rate * array.size)) - 1
    least = -np.finfo(ranks.dtype).tiny  # -0.0 is an entry to Sparse, but none of the largest; a GPU takes less for 0
    placed = xp.where(xp.isnan(ranks), ranks.dtype.type(np.inf), ranks)  # last on every device: CuPy leaves it open
    threshold = xp.minimum(xp.partition(placed.reshape(-1), place)[place], least)
    return xp.where(ranks > threshold, array.dtype.type(0), array)  # so that a NaN, behind nothing, is kept
