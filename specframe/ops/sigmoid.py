"""sigmoid: a number between 0 and 1.

    forward    y = 1 / (1 + e^-x), for x < 0 as e^x / (1 + e^x), so that exp cannot overflow
    backward   gx = gy y (1 - y)

Saved: y.
"""

from specframe.op import Op
from specframe.ops._inputs import real
from specframe.tape import apply
from specframe.tensor import Tensor


class Sigmoid(Op):
    name = "sigmoid"

    @staticmethod
    def forward(ctx, x):
        xp, one = ctx.xp, x.dtype.type(1)
        e = xp.exp(-xp.abs(x))
        y = xp.where(x < 0, e, one) / (one + e)
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        y = ctx["y"].dense()
        return gy * (y * (y.dtype.type(1) - y))


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e^-x) of a real Tensor of any shape."""
    return apply(Sigmoid, real("sigmoid", x))
