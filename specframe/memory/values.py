"""values: the numbers that a format keeps, exact or in fewer bits.

    exact                itemsize * size
    float16              2 R + s
    int8, int4, int2     (32 bits + s) * ceil(R / 256)

for R reals (a complex number is two) of s bytes each. Values that would take no less in codes are kept as they are.

float16 divides by one scale for the whole array, which puts the largest real at 2^15: nothing overflows, and reals down
to 2^-29 of the largest keep 11 bits.

The integers are symmetric, with a scale for every 256 consecutive reals,

    scale = max |v| / top        code = floor(v / scale + u)        0 < u < 1        top = 127, 7, 1

which for a uniform u is unbiased: E[code] = v / scale (stochastic rounding). Zero stays zero and the largest real of a
group keeps its value, to the last place. A scale in float32 adds 1.6% to 256 int8 codes: half of that would save little
and lose range.

The u are read from a table, cyclically from a place drawn once an array. The table holds the grid (k + 1/2) / N in
random order, so that over all places each value meets every dither exactly once: the bias is below 1 / 2N of a step.
Drawing an own u for each real costs more than all the rest of the rounding, the table a tenth. N is a prime, lest the
table's period fall in step with an axis of the array: entries a period apart err together.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from specframe import backend
from specframe.backend import Backend, constant
from specframe.saving.dense import own

BITS = {"int8": 8, "int4": 4, "int2": 2}
KINDS = ("exact", "float16", *BITS)
GROUP = 256  # reals that share a scale
BLOCK = 256  # groups rounded at a time on the CPU: their scratch stays in the cache and out of the peak of memory
DITHERS = 8191  # so few that u keeps clear of 0 and 1 by more than v / scale can err: whole codes stay what they are
HALF_TOP = 2.0**15


def check_kind(kind: str, op: str) -> str:
    """`kind`, one of KINDS; else a ValueError that lists them for `op`."""
    if kind not in KINDS:
        raise ValueError(f"{op}: unknown kind of values {kind!r}: choose {', '.join(KINDS)}")
    return kind


def sizes(kind: str, size: int, dtype: Any) -> tuple[int, int]:
    """(bytes of values or codes, bytes of scales) for `size` values of `dtype` kept as `kind`.

    >>> sizes("exact", 1000, "complex64"), sizes("int4", 1000, "complex64"), sizes("int4", 10, "complex64")
    ((8000, 0), (1024, 32), (80, 0))
    """
    exact, real = size * np.dtype(dtype).itemsize, _real(np.dtype(dtype)).itemsize
    coded = exact, 0
    if kind == "float16":
        coded = 2 * exact // real, real
    elif kind in BITS:
        groups = -(-exact // real // GROUP)
        coded = groups * GROUP * BITS[kind] // 8, groups * real
    return coded if sum(coded) < exact else (exact, 0)


def encode(values: Any, kind: str, key: Sequence[int]) -> "Encoded":
    """Keep an array of numbers in fewer bits.

    Parameters
    ----------
    values : array (size,), float32, float64, complex64 or complex128
    kind : one of KINDS
    key : sequence of non-negative integers
        Fixes how the integers are rounded, and nothing else.

    Returns
    -------
    Encoded
        A NaN or an infinity shows after decoding: in its place (exact), as NaN in place of all values (float16), or in
        that no real of its group is finite (integers).

    Raises
    ------
    ValueError
        An unknown kind.
    """
    check_kind(kind, "encode")
    if sizes(kind, values.size, values.dtype) == (values.nbytes, 0):
        return Exact(values)
    b = backend.of("store", values)
    reals = b.xp.ascontiguousarray(values).view(_real(values.dtype))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite stays so, as said above
        if kind == "float16":
            return Float16(b, reals, values.dtype)
        return Integers(b, reals, values.dtype, BITS[kind], key)


class Encoded:
    """Values as they are kept.

    Attributes
    ----------
    size, dtype : of the values
    nbytes : int, bytes of the values or codes
    scale_nbytes : int, bytes of the scales
    """

    scale_nbytes: int = 0

    def __init__(self, codes: Any, dtype: Any, size: int) -> None:
        self._codes, self.dtype, self.size = codes, dtype, size
        self.nbytes: int = codes.nbytes

    def decode(self) -> Any:
        """The values: array (size,) of `dtype`."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._reals().view(self.dtype)

    def _reals(self) -> Any:
        raise NotImplementedError


class Exact(Encoded):
    def __init__(self, values: Any) -> None:
        super().__init__(own(values), values.dtype, values.size)

    def decode(self) -> Any:
        return self._codes


class Float16(Encoded):
    def __init__(self, b: Backend, reals: Any, dtype: Any) -> None:
        peak = b.xp.maximum(reals.max(keepdims=True), -reals.min(keepdims=True))
        self._scale = _nonzero(b, peak / HALF_TOP)
        codes = b.xp.empty(reals.shape, np.float16)
        b.xp.divide(reals, self._scale, out=codes, casting="same_kind")
        super().__init__(codes, dtype, reals.nbytes // dtype.itemsize)
        self.scale_nbytes = self._scale.nbytes

    def _reals(self) -> Any:
        reals = self._codes.astype(self._scale.dtype)
        reals *= self._scale
        return reals


class Integers(Encoded):
    def __init__(self, b: Backend, reals: Any, dtype: Any, bits: int, key: Sequence[int]) -> None:
        self._xp, self._bits = b.xp, bits
        groups = -(-reals.size // GROUP)
        codes = b.xp.empty((groups, GROUP * bits // 8), np.int8)
        self._scales = b.xp.empty((groups, 1), reals.dtype)
        table = _dithers(b)
        place = int(np.random.SeedSequence(key).generate_state(1)[0])
        for part in _blocks(b, groups, BLOCK):
            first = (place + part.start * GROUP) % DITHERS
            rounded, self._scales[part] = _round(
                b, reals[part.start * GROUP : part.stop * GROUP], 2 ** (bits - 1) - 1, table[first : first + DITHERS]
            )
            codes[part] = _join(rounded, bits)
        super().__init__(codes, dtype, reals.nbytes // dtype.itemsize)
        self.scale_nbytes = self._scales.nbytes

    def _reals(self) -> Any:
        groups, parts = len(self._codes), 8 // self._bits
        reals = self._xp.empty((groups, parts, GROUP // parts), self._scales.dtype)
        for number in range(parts):
            codes = self._codes
            if parts > 1:  # up to the top of the byte, then down again with the sign
                codes = (codes << 8 - self._bits * (number + 1)) >> 8 - self._bits
            self._xp.multiply(codes, self._scales, out=reals[:, number])
        return reals.reshape(-1)[: self.size * self.dtype.itemsize // reals.itemsize]


def _round(b: Backend, reals: Any, top: int, dithers: Any) -> tuple[Any, Any]:
    """(codes in floating point (groups, GROUP), scales (groups, 1)); the last group is filled up with zeros."""
    work = b.xp.empty((-(-reals.size // GROUP), GROUP), reals.dtype)
    flat = work.reshape(-1)
    flat[reals.size :] = 0
    b.xp.absolute(reals, out=flat[: reals.size])
    just_above = top * (1 + np.finfo(reals.dtype).eps)  # so that top * scale never overflows
    scales = _nonzero(b, work.max(axis=1, keepdims=True) / reals.dtype.type(just_above))
    flat[: reals.size] = reals
    work /= scales
    whole = flat.size // DITHERS * DITHERS
    laps, rest = flat[:whole].reshape(-1, DITHERS), flat[whole:]
    laps += dithers
    rest += dithers[: rest.size]
    return b.xp.floor(work, out=work), scales


def _join(codes: Any, bits: int) -> Any:
    """int8 (groups, W), W = GROUP * bits / 8: byte i of a group holds codes i, i + W, ... from its low end up."""
    codes = codes.astype(np.int8)
    if bits == 8:
        return codes
    parts = codes.reshape(len(codes), 8 // bits, -1)
    joined = parts[:, -1] << 8 - bits
    for number in range(8 // bits - 1):
        joined |= (parts[:, number] & 2**bits - 1) << bits * number
    return joined


@constant
def _dithers(b: Backend) -> Any:
    """The table twice over, so that a lap from any place is one slice."""
    order = np.random.Generator(np.random.Philox(0)).permutation(DITHERS)
    table = ((order + 0.5) / DITHERS).astype(np.float32)
    return b.asarray(np.concatenate([table, table]))


def _blocks(b: Backend, count: int, block: int) -> list[slice]:
    """Slices that cover range(count): of `block` on the CPU, and one on a GPU, where each further one costs calls."""
    step = max(1, count) if b.reading_waits else block
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def _nonzero(b: Backend, scale: Any) -> Any:
    """The scale, not below the smallest normal number: 0 / scale is 0, and scale / scale is 1."""
    return b.xp.maximum(scale, np.finfo(scale.dtype).tiny)


def _real(dtype: Any) -> Any:
    """The dtype of a number's parts."""
    return np.dtype(dtype.char.lower())
