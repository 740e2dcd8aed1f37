"""global_avg_pool2d: the mean of each map.

    x (rows, cols, batch, channels)  ->  y (batch, channels)

    forward    y = sum of x over rows, cols / (rows cols)
    backward   gx = gy / (rows cols), at every row and column

Saved: nothing.
"""

from specframe.op import Op
from specframe.ops._maps import check_maps
from specframe.tape import apply
from specframe.tensor import Tensor


class GlobalAvgPool2d(Op):
    name, recompute = "global_avg_pool2d", "block"

    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return GlobalAvgPool2d.remake(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        rows, cols = ctx.shape[:2]
        return ctx.xp.broadcast_to(gy / float(rows * cols), ctx.shape)

    @staticmethod
    def remake(ctx, x):
        return x.mean(axis=(0, 1))


def global_avg_pool2d(x: Tensor) -> Tensor:
    """The mean of each map: (rows, cols, batch, channels) -> (batch, channels)."""
    check_maps("global_avg_pool2d", x)
    return apply(GlobalAvgPool2d, x)
