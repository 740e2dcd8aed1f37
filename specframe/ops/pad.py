"""pad: a border of one value around x.

    forward    y = value everywhere, x in its place
    backward   gx = gy at that place

Nothing is saved, and the result has a cheap recipe: an op that saves it keeps x.
"""

from typing import Any

import numpy as np

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


class Pad(Op):
    name, recompute = "pad", "always"

    @staticmethod
    def forward(ctx, x, widths, value):
        ctx.shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
        ctx.place = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))
        ctx.value = value
        return Pad.remake(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        return gy[ctx.place]

    @staticmethod
    def remake(ctx, x):
        y = ctx.xp.full(ctx.shape, ctx.value, x.dtype)
        y[ctx.place] = x
        return y


def pad(x: Tensor, width: Any, value: float = 0) -> Tensor:
    """x with a border, of the widths that numpy.pad takes.

    Parameters
    ----------
    x : Tensor of any shape
    width : int for all sides of all axes; (before, after) for all axes; or one such pair for each axis
    value : number in the border

    Raises
    ------
    ValueError
        Widths that are negative, or do not fit x's number of axes.
    """
    check_tensors("pad", x)
    given = np.asarray(width)
    try:
        widths = np.broadcast_to(given, (x.ndim, 2)).tolist()
    except ValueError:
        raise ValueError(f"pad: expected a width, a pair, or {x.ndim} pairs for {x.shape}, got {width}") from None
    if given.dtype.kind not in "iu" or given.min(initial=0) < 0:
        raise ValueError(f"pad: widths are whole numbers, 0 or more, got {width}")
    return apply(Pad, x, widths=widths, value=value)
