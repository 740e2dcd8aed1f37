"""sum and mean over axes.

    sum     y = sum of x            gx = gy, repeated
    mean    y = sum of x / count    gx = gy / count, repeated

Nothing is saved.
"""

import math

from specframe.op import Op
from specframe.ops._inputs import Axis, axes_of, floating
from specframe.tape import apply
from specframe.tensor import Tensor


class Sum(Op):
    name = "sum"

    @staticmethod
    def forward(ctx, x, axis, keepdims, scale):
        ctx.shape, ctx.scale = x.shape, scale
        ctx.kept = tuple(1 if i in axis else n for i, n in enumerate(x.shape))
        y = x.sum(axis=axis, keepdims=keepdims)
        return y if scale == 1 else y * x.real.dtype.type(scale)

    @staticmethod
    def backward(ctx, gy):
        gy = gy if ctx.scale == 1 else gy * gy.real.dtype.type(ctx.scale)
        return ctx.xp.broadcast_to(gy.reshape(ctx.kept), ctx.shape)


def sum(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum over one axis, several, or (None) all of them; with `keepdims` the axes stay, of length 1."""
    return apply(Sum, x, axis=axes_of("sum", x, axis), keepdims=keepdims, scale=1)


def mean(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean over one axis, several, or (None) all of them; that of integers is float64.

    Raises
    ------
    ValueError
        There is nothing to average.
    """
    axes = axes_of("mean", x, axis)
    count = math.prod(x.shape[i] for i in axes)
    if count == 0:
        raise ValueError(f"mean: no entries along axis {axis} of {x.shape}")
    return apply(Sum, floating("mean", x), axis=axes, keepdims=keepdims, scale=1 / count)
