"""spectral: the largest coefficients of a map's transform, their values reduced, and a bitmap of where they are.

    y = T x        y' = y where |y| >= t, else 0        x' = T^-1 y'        |x - x'|^2 = sum of the dropped |y|^2
    bytes = values(K) + bitmap(M)          K of M coefficients (values.py and bitmap.py of this folder)

T is orthonormal (specframe/memory/transforms.py). t is given, or found from the share of the coefficients, or of their
energy, that shall stay. The forward is untouched: only the backward reads x' in place of x.

What is always dropped is missing in every step. The rule "unbiased" gives each small coefficient a chance instead:

    y' = y where |y| >= t;  else  t y / |y| with probability |y| / t, and 0 otherwise:      E[y'] = y

so that x' errs by more in one step and by nothing on average over the draws.
"""

import math
from typing import NamedTuple

from specframe import backend
from specframe.memory.bitmap import Bitmap
from specframe.memory.quantised import LossyStore
from specframe.memory.reduced import Whole
from specframe.memory.transforms import TRANSFORMS
from specframe.memory.values import dithers, encode
from specframe.saving.handle import Bytes, Handle
from specframe.saving.sparse import count_nonzero

SAMPLE = 1 << 14  # coefficients that tell the threshold of "unbiased"


class Keep(NamedTuple):
    """Which coefficients stay: the largest of a "rate", the largest of an "energy", those from "beta" on, or, of an
    expected share of "unbiased", the largest and some of the others."""

    rule: str
    value: float

    @classmethod
    def parse(cls, keep):
        """From 0.1, "0.1" or "rate=0.1", "energy=0.99", "beta=0.5", "unbiased=0.1"."""
        rule, _, number = str(keep).rpartition("=")
        try:
            rule, value = rule or "rate", float(number)
        except ValueError:
            rule, value = None, math.nan
        if (rule in ("rate", "energy", "unbiased") and 0 < value <= 1) or (rule == "beta" and 0 <= value < math.inf):
            return cls(rule, value)
        raise ValueError(
            "store spectral: what to keep is a share above 0 and up to 1, energy=share, unbiased=share or "
            f"beta=threshold, got {keep!r}"
        )

    def threshold(self, xp, magnitude, count):
        """t for `count` coefficients, given as an array of their magnitudes in which all others are zero."""
        if self.rule == "beta":
            return self.value
        flat = magnitude.reshape(-1)
        if self.rule == "unbiased":
            return _unbiased_threshold(xp, flat, self.value * count)
        if self.rule == "rate":
            place = max(1, round(self.value * count)) - 1
            return -xp.partition(-flat, place)[place]  # largest first: slow where many tie at the lower end (topk.py)
        descending = xp.sort(flat)[::-1]
        energy = xp.cumsum(descending * descending, dtype="float64")
        return descending[xp.count_nonzero(energy < self.value * energy[-1])]


def _unbiased_threshold(xp, magnitude, wanted):
    """t with sum of min(1, |y| / t) = `wanted`, estimated from some of the coefficients."""
    some = xp.sort(magnitude[:: max(1, magnitude.size // SAMPLE) | 1])  # an odd step meets all channels
    wanted = wanted / magnitude.size * some.size
    below = xp.cumsum(some, dtype="float64") - some
    tiny = xp.finfo(some.dtype).tiny
    expected = xp.arange(some.size, 0, -1) + below / xp.maximum(some, tiny)  # with t at each of them: it falls
    place = xp.minimum(xp.count_nonzero(expected > wanted), some.size - 1)
    return xp.maximum(some[place], some.dtype.type(tiny))


class Spectral(Handle):
    """The part of a map's coefficients that `keep` leaves; `density` is its share of them."""

    def __init__(self, array, keep, values, transform, key):
        b = self._backend = backend.of("store", array)
        self.shape, self.dtype, self.format = array.shape, array.dtype, f"spectral {transform} {values}"
        self._transform = TRANSFORMS[transform]
        coefficients, count = self._transform.forward(array), self._transform.count(array.shape)
        magnitude = b.xp.absolute(coefficients)
        threshold = lowest = keep.threshold(b.xp, magnitude, count)
        if keep.rule == "unbiased":
            lowest = threshold * dithers(b, magnitude.size, (*key, 1)).reshape(magnitude.shape).astype(magnitude.dtype)
        # Not below, rather than above: a NaN is neither, and has to stay.
        kept = ~(magnitude < lowest) & (magnitude != 0)
        self._kept = Bitmap(kept)
        chosen = b.compress(coefficients, kept, self._kept.count)
        if keep.rule == "unbiased":
            chosen *= b.xp.maximum(threshold / b.compress(magnitude, kept, self._kept.count), magnitude.dtype.type(1))
        self._values = encode(chosen, values, key)
        self.density = self._kept.count / count
        self.bytes = Bytes(self._values.nbytes, masks=self._kept.nbytes, scales=self._values.scale_nbytes)

    def dense(self):
        coefficients = self._backend.expand(self._values.decode(), self._kept.dense())
        return self._transform.inverse(coefficients, self.shape)


class SpectralStore(LossyStore):
    """Keep maps as their largest coefficients, as text "spectral:0.1", "spectral:energy=0.99:int4:haar:16".

    Only real maps (rows, cols, batch, channels) of `smallest` rows and columns and more are transformed. Other arrays
    are kept whole with reduced values; those of fewer than 1024 entries exactly; and those whose zeros are decisions as
    a mask, with reduced values.

    Parameters
    ----------
    keep : float or str
        A share of the coefficients (0.1, "rate=0.1"), the fewest with a share of the energy ("energy=0.99"), or those
        of a magnitude or more ("beta=0.5"), the largest first over the whole array. Those that tie are all kept.
        "unbiased=0.1" keeps about that share, the small ones by chance, and then as large as the smallest that is safe.
    values : one of specframe.memory.values.KINDS
    transform : one of specframe.memory.transforms.TRANSFORMS
        None kept more than "dct" at equal bytes, for maps of 2 x 2 to 32 x 32 (benchmarks/transforms.py).
    smallest : int, 2 or more
        Large maps have most of the bytes and bear pruning best; small ones, of 8 x 8 and below, bear it worse than
        8-bit values (benchmarks/which_maps.py). 16 leaves those whole.

    Raises
    ------
    ValueError
        A setting that is none of these.
    """

    name = "spectral"

    def __init__(self, keep=0.1, values="int8", transform="dct", smallest=2):
        super().__init__(values)
        self.lossless = False
        self.keep = Keep.parse(keep)
        if transform not in TRANSFORMS:
            raise ValueError(f"store spectral: unknown transform {transform!r}: choose {', '.join(TRANSFORMS)}")
        self.transform, self.smallest = transform, _side(smallest)

    def _reduced(self, array, key):
        if array.ndim == 4 and array.dtype.kind == "f" and min(array.shape[:2]) >= self.smallest:
            return Spectral(array, self.keep, self.values, self.transform, key)
        return Whole(array, self.values, key, count_nonzero(array))


def _side(text):
    if str(text).isdecimal() and int(text) >= 2:
        return int(text)
    raise ValueError(f"store spectral: the smallest map to transform has 2 rows and columns or more, got {text}")
