"""max_pool2d and avg_pool2d: over windows of a map.

    x (rows, cols, batch, channels)  ->  y (R, C, batch, channels),  R = (rows - height) // s + 1

With x_i the maps of the windows' entries i = 0 .. K - 1 in row order, K = height * width and s, t the stride:
x_i[r, c] = x[r s + i // width, c t + i % width].

    max_pool2d   forward   y = max_i x_i,  i* = the first i that reaches it
                 backward  gx_i += gy where i* = i
    avg_pool2d   forward   y = sum_i x_i / K
                 backward  gx_i += gy / K

A NaN counts as larger than any number. Rows and columns that no window reaches get no gradient. Saved: i*, in as few
bits as the window needs (2 for 2 x 2); avg_pool2d saves nothing.
"""

import functools
import math

import numpy as np

from specframe.op import Op
from specframe.ops._maps import check_maps, pair
from specframe.tape import apply
from specframe.tensor import Tensor


def entries(x, size, stride):
    """The views x_i."""
    (height, width), (s, t) = size, stride
    R, C = (x.shape[0] - height) // s + 1, (x.shape[1] - width) // t + 1
    for i, j in np.ndindex(height, width):
        yield x[i : i + R * s : s, j : j + C * t : t]


class MaxPool2d(Op):
    name, recompute = "max_pool2d", "block"

    @staticmethod
    def forward(ctx, x, size, stride):
        xp, ctx.shape, ctx.size, ctx.stride = ctx.xp, x.shape, size, stride
        y, *others = entries(x, size, stride)
        winner = xp.zeros(y.shape, "uint16")
        for i, x_i in enumerate(others, start=1):
            larger = ~((x_i <= y) | xp.isnan(y))  # or x_i is NaN
            winner = xp.where(larger, winner.dtype.type(i), winner)
            y = xp.where(larger, x_i, y)
        ctx.save_bits(levels=math.prod(size), winner=winner)
        return y

    @staticmethod
    def backward(ctx, gy):
        gx, winner = ctx.xp.zeros(ctx.shape, gy.dtype), ctx["winner"].dense()
        for i, gx_i in enumerate(entries(gx, ctx.size, ctx.stride)):
            gx_i += gy * (winner == i)
        return gx

    @staticmethod
    def remake(ctx, x):
        return functools.reduce(ctx.xp.maximum, entries(x, ctx.size, ctx.stride))


class AvgPool2d(Op):
    name, recompute = "avg_pool2d", "block"

    @staticmethod
    def forward(ctx, x, size, stride):
        ctx.shape, ctx.size, ctx.stride = x.shape, size, stride
        return AvgPool2d.remake(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        gx, share = ctx.xp.zeros(ctx.shape, gy.dtype), gy / float(math.prod(ctx.size))
        for gx_i in entries(gx, ctx.size, ctx.stride):
            gx_i += share
        return gx

    @staticmethod
    def remake(ctx, x):
        return sum(entries(x, ctx.size, ctx.stride)) / float(math.prod(ctx.size))


def _windows(op, x, size, stride):
    check_maps(op, x)
    (height, width), (rows, cols) = pair(op, "size", size), x.shape[:2]
    if height > rows or width > cols:
        raise ValueError(f"{op}: a window of {height} x {width} does not fit into a map of {rows} x {cols}")
    return {"size": (height, width), "stride": (height, width) if stride is None else pair(op, "stride", stride)}


def max_pool2d(x: Tensor, size: int | tuple[int, int] = 2, stride: int | tuple[int, int] | None = None) -> Tensor:
    """The largest entry of each window; the first of equals gets the gradient, and so does the first NaN.

    Parameters
    ----------
    x : Tensor (rows, cols, batch, channels), real
    size : int, or a pair (height, width) of the window
    stride : int, a pair for rows and columns, or None for the size

    Returns
    -------
    Tensor (R, C, batch, channels), R = (rows - height) // stride + 1

    Raises
    ------
    ValueError
        The window does not fit into the map, or a number is below 1.
    """
    return apply(MaxPool2d, x, **_windows("max_pool2d", x, size, stride))


def avg_pool2d(x: Tensor, size: int | tuple[int, int] = 2, stride: int | tuple[int, int] | None = None) -> Tensor:
    """The mean of each window; parameters, result and errors as in max_pool2d."""
    return apply(AvgPool2d, x, **_windows("avg_pool2d", x, size, stride))
