"""concatenate and stack: tensors joined to one.

    concatenate    y = the parts, one after another along an axis    g of each part = its piece of gy
    stack          the same, after each part got a new axis of length 1

Nothing is saved, and the result has a cheap recipe: an op that saves it keeps the parts, never a copy.
"""

from collections.abc import Iterable

from specframe import backend
from specframe.op import Op, check_tensors
from specframe.ops.shape import reshape
from specframe.spectrum import Spectrum
from specframe.tape import apply
from specframe.tensor import Tensor


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


def concatenate(parts: Iterable[Tensor], axis: int = -1) -> Tensor:
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


def stack(parts: Iterable[Tensor], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis, which is the result's axis number `axis`.

    Raises
    ------
    ValueError
        No parts, or shapes or dtypes that differ.
    """
    parts = list(parts)
    if not parts:
        raise ValueError("stack: expected at least one tensor")
    check_tensors("stack", *parts)
    backend.of("stack", *(part.data for part in parts))
    first = parts[0]
    for part in parts[1:]:
        if part.shape != first.shape or part.dtype != first.dtype:
            raise ValueError(f"stack: {part.shape} {part.dtype} is not alike {first.shape} {first.dtype}")
    if not -first.ndim <= axis + 1 <= first.ndim + 1:
        raise ValueError(f"stack: axis {axis} is not among the {first.ndim + 1} axes of the result")
    axis %= first.ndim + 1
    shape = (*first.shape[:axis], 1, *first.shape[axis:])
    return concatenate([reshape(part, shape) for part in parts], axis)


def _common_spectrum(parts: list[Tensor]) -> Spectrum | None:
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
