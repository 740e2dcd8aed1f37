"""abs: the distance from 0, entry by entry.

    real x       y = |x|                     gx = gy sign(x)
    complex x    y = sqrt(Re^2 + Im^2)       gx = gy x / |x|

At 0, where there is no slope, gx is 0. Saved: of real x its sign, two bits an entry; complex x itself.
"""

import numpy as np

from specframe.op import Op
from specframe.tape import apply
from specframe.tensor import Tensor

NEGATIVE = np.uint8(2)


class Abs(Op):
    name = "abs"

    @staticmethod
    def forward(ctx, x):
        if x.dtype.kind == "c":
            ctx.save(x=x)
        elif ctx.recording:
            ctx.save_bits(sign=(x > 0) + (x < 0) * NEGATIVE, levels=3)
        return ctx.xp.abs(x)

    @staticmethod
    def backward(ctx, gy):
        xp = ctx.xp
        if "x" not in ctx.saved:
            return gy * xp.asarray([0, 1, -1], gy.dtype)[ctx["sign"].dense()]
        x = ctx["x"].dense()
        y = xp.abs(x)
        return gy * (x / xp.where(y == 0, gy.dtype.type(1), y))


def abs(x: Tensor) -> Tensor:
    """|x|, entry by entry; that of complex numbers is real."""
    return apply(Abs, x)
