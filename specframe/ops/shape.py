"""reshape, transpose, concatenate: the same entries in another arrangement.

    reshape       y = x in another shape              gx = gy in x's shape
    transpose     y = x with permuted axes            gx = gy with the axes permuted back
    concatenate   y = the parts, one after another    g of each part = its piece of gy

Nothing is saved, and the results have cheap recipes: an op that saves one keeps the sources (the parts, never a copy).
"""

import math

from specframe.op import Op, check_tensors
from specframe.tape import apply


class Reshape(Op):
    name, recompute = "reshape", "always"

    @staticmethod
    def forward(ctx, x, shape):
        ctx.before, ctx.after = x.shape, shape
        return x.reshape(shape)

    @staticmethod
    def backward(ctx, gy):
        return gy.reshape(ctx.before)

    @staticmethod
    def remake(ctx, x):
        return x.reshape(ctx.after)


class Transpose(Op):
    name, recompute = "transpose", "always"

    @staticmethod
    def forward(ctx, x, axes):
        ctx.axes = axes
        return Transpose.remake(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        back = [ctx.axes.index(axis) for axis in range(len(ctx.axes))]
        return ctx.xp.ascontiguousarray(gy.transpose(back))

    @staticmethod
    def remake(ctx, x):
        return ctx.xp.ascontiguousarray(x.transpose(ctx.axes))


class Concatenate(Op):
    name, recompute = "concatenate", "always"

    @staticmethod
    def forward(ctx, *parts, axis, s):
        ctx.axis, ctx.spectrum = axis, s
        ctx.sizes = [part.shape[axis] for part in parts]
        return ctx.xp.concatenate(parts, axis=axis)

    @staticmethod
    def backward(ctx, gy):
        pieces, start = [], 0
        for size in ctx.sizes:
            cut = [slice(None)] * gy.ndim
            cut[ctx.axis] = slice(start, start + size)
            pieces.append(gy[tuple(cut)])
            start += size
        return tuple(pieces)

    @staticmethod
    def remake(ctx, *parts):
        return ctx.xp.concatenate(parts, axis=ctx.axis)


def reshape(x, shape):
    """x in another shape; one entry of `shape` may be -1.

    Raises
    ------
    ValueError
        The number of entries differs.
    """
    shape = tuple(shape)
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and known and x.size % known == 0:
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    if -1 in shape or math.prod(shape) != x.size:
        raise ValueError(f"reshape: cannot arrange {x.shape} as {shape}")
    return apply(Reshape, x, shape=shape)


def transpose(x, axes):
    """x with its axes in the order `axes`.

    Raises
    ------
    ValueError
        `axes` is no permutation of x's axes.
    """
    axes = tuple(axes)
    if sorted(axes) != list(range(x.ndim)):
        raise ValueError(f"transpose: {axes} is no order of the {x.ndim} axes")
    return apply(Transpose, x, axes=axes)


def concatenate(parts, axis=-1):
    """Tensors one after another along an axis (default: channels). Spectra must share grid, size and norm. A single
    tensor is returned as it is.

    Raises
    ------
    ValueError
        No parts, or shapes, dtypes or grids that differ.
    """
    parts = list(parts)
    if not parts:
        raise ValueError("concatenate: expected at least one tensor")
    check_tensors("concatenate", *parts)
    first = parts[0]
    if not -first.ndim <= axis < first.ndim:
        raise ValueError(f"concatenate: axis {axis} is not among the {first.ndim} axes of {first.shape}")
    axis %= first.ndim
    for part in parts[1:]:
        off_axis = [shape[:axis] + shape[axis + 1 :] for shape in (part.shape, first.shape)]
        if part.ndim != first.ndim or off_axis[0] != off_axis[1] or part.dtype != first.dtype:
            raise ValueError(
                f"concatenate: {part.shape} {part.dtype} does not continue {first.shape} {first.dtype} on axis {axis}"
            )
    if len(parts) == 1:
        return first
    return apply(Concatenate, *parts, axis=axis, s=_common_spectrum(parts))


def _common_spectrum(parts):
    """What the parts carry, when all carry the same; a frequency active in one of them is active in the whole."""
    if all(part.spectrum is None for part in parts):
        return None
    if any(part.spectrum is None for part in parts):
        raise ValueError("concatenate: some of the tensors are spectra and some are not")
    plain = [part.spectrum.with_active(None) for part in parts]
    if any(s != plain[0] for s in plain):
        raise ValueError("concatenate: the spectra differ in grid, size or norm")
    actives = [part.spectrum.active for part in parts]
    if any(active is None for active in actives):
        return plain[0]
    union = actives[0].copy()
    for active in actives[1:]:
        union |= active
    return plain[0].with_active(union)
