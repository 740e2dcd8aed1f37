"""dct: the largest coefficients of a map's cosine transform, their values reduced, and a bitmap of where they are.

    y = A x B^T        y' = y where |y| >= t, else 0        x' = A^T y' B        |x - x'|^2 = sum of the dropped |y|^2
    bytes = values(K) + bitmap(M)          K of M coefficients (values.py and bitmap.py of this folder)

A and B are the orthonormal DCT-II matrices of the rows and of the columns: a coefficient that is dropped costs its
square in energy, and the largest ones are the best to keep. t is given, or found from the share of the coefficients, or
of their energy, that shall stay. The forward is untouched: only the backward reads x' in place of x.

What is always dropped is missing in every step. Dropping by chance instead, without bias, trained no better, and no
transform kept more than this one at equal bytes (docs/memory.md).
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from specframe import backend
from specframe.backend import Backend, constant
from specframe.memory.bitmap import Bitmap
from specframe.memory.reduced import ReducedStore
from specframe.memory.values import encode
from specframe.saving.handle import Bytes, Handle
from specframe.saving.sparse import count_nonzero


@constant
def matrix(b: Backend, n: int, dtype: Any) -> Any:
    """DCT-II on a device, (n, n): row k is cos(pi k (2 j + 1) / (2 n)), scaled to length 1."""
    k, j = np.ogrid[:n, :n]
    rows = np.cos(np.pi * k * (2 * j + 1) / (2 * n)) * math.sqrt(2 / n)
    rows[0] = math.sqrt(1 / n)
    return b.asarray(rows.astype(dtype))


def both_sides(left: Any, array: Any, right: Any) -> Any:
    """left x right^T for each map x of an array (rows, cols, batch, channels)."""
    b, (rows, cols) = backend.of("store", array), array.shape[:2]
    lines = b.matmul(left, array.reshape(rows, -1))
    return b.matmul(right, lines.reshape(rows, cols, -1)).reshape(array.shape)


class Keep(NamedTuple):
    """Which coefficients stay: the largest of a "rate", the largest of an "energy", or those from "beta" on."""

    rule: str
    value: float

    @classmethod
    def parse(cls, keep: float | str) -> "Keep":
        """From 0.1, "0.1" or "rate=0.1", "energy=0.99", "beta=0.5"."""
        rule, _, number = str(keep).rpartition("=")
        rule = rule or "rate"
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if (rule in ("rate", "energy") and 0 < value <= 1) or (rule == "beta" and 0 <= value < math.inf):
            return cls(rule, value)
        raise ValueError(
            f"store dct: what to keep is a share above 0 and up to 1, energy=share or beta=threshold, got {keep!r}"
        )

    def threshold(self, magnitude: Any) -> Any:
        """t for coefficients of these magnitudes."""
        xp, flat = backend.of("store", magnitude).xp, magnitude.reshape(-1)
        if self.rule == "beta":
            return self.value
        if self.rule == "rate":
            place = max(1, round(self.value * flat.size)) - 1
            return -xp.partition(-flat, place)[place]  # largest first: slow where many tie at the lower end (topk.py)
        descending = xp.sort(flat)[::-1]
        share = descending / xp.maximum(descending[0], np.finfo(flat.dtype).tiny)  # its square neither over- nor
        energy = xp.cumsum(share * share, dtype="float64")  # underflows where it matters
        return descending[xp.count_nonzero(energy < self.value * energy[-1])]


class DCT(Handle):
    """The part of a map's coefficients that `keep` leaves; `density` is its share of them."""

    fresh = True

    def __init__(self, array: Any, keep: Keep, values: str, key: Sequence[int]) -> None:
        b = self._backend = backend.of("store", array)
        self.shape, self.dtype, self.format = array.shape, array.dtype, f"dct {values}"
        coefficients = self.forward(array)
        magnitude = b.xp.absolute(coefficients)
        kept = (magnitude >= keep.threshold(magnitude)) & (magnitude != 0)
        self._kept = Bitmap(kept)
        self._values = encode(b.compress(coefficients, kept, self._kept.count), values, key)
        self.density = self._kept.count / magnitude.size
        self.bytes = Bytes(self._values.nbytes, masks=self._kept.nbytes, scales=self._values.scale_nbytes)

    def dense(self) -> Any:
        return self.inverse(self._backend.expand(self._values.decode(), self._kept.dense()))

    def forward(self, array: Any) -> Any:
        A, B = (matrix(self._backend, n, self.dtype) for n in self.shape[:2])
        return both_sides(A, array, B)

    def inverse(self, coefficients: Any) -> Any:
        A, B = (matrix(self._backend, n, self.dtype) for n in self.shape[:2])
        return both_sides(A.T, coefficients, B.T)


class DCTStore(ReducedStore):
    """Keep maps as their largest coefficients, as text "dct:0.1", "dct:energy=0.99:int4:16".

    Only real maps (rows, cols, batch, channels) of `smallest` rows and columns and more are transformed. Other arrays
    are kept whole with reduced values, as are maps with entries that are not finite or so large that a transform could
    overflow; those of fewer than 1024 entries, and integers, exactly; and those whose zeros are decisions as a mask,
    with reduced values.

    Parameters
    ----------
    keep : float or str
        A share of the coefficients (0.1, "rate=0.1"), the fewest with a share of the energy ("energy=0.99"), or those
        of a magnitude or more ("beta=0.5"), the largest first over the whole array. Those that tie are all kept.
    values : one of specframe.memory.values.KINDS
    smallest : int, 2 or more
        Large maps have most of the bytes and bear pruning best; small ones, of 8 x 8 and below, bear it worse than
        8-bit values (benchmarks/which_maps.py). 16 leaves those whole.

    Raises
    ------
    ValueError
        A setting that is none of these.
    """

    name = "dct"

    def __init__(self, keep: float | str = 0.1, values: str = "int8", smallest: int | str = 2) -> None:
        super().__init__(values)
        self.lossless = False
        self.keep = Keep.parse(keep)
        if not str(smallest).isdecimal() or int(smallest) < 2:
            raise ValueError(
                f"store dct: the smallest map to transform has 2 rows and columns or more, got {smallest!r}"
            )
        self.smallest = int(smallest)

    def reduced(self, array: Any, key: tuple[int, ...]) -> Handle:
        if array.ndim == 4 and array.dtype.kind == "f" and min(array.shape[:2]) >= self.smallest and _fits(array):
            return DCT(array, self.keep, self.values, key)
        return self.whole(array, key, count_nonzero(array))


def _fits(array: Any) -> bool:
    """Whether no coefficient, nor a sum on the way back, can overflow: |y| is at most sqrt(rows cols) max |x|."""
    rows, cols = array.shape[:2]
    xp = backend.of("store", array).xp
    return bool(xp.maximum(array.max(), -array.min()) <= np.finfo(array.dtype).max / (4 * rows * cols))  # not for NaN
