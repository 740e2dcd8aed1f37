"""softmax and log_softmax along axes.

    softmax        y = exp(x - max x) / sum exp(x - max x)          gx = y (gy - sum(gy y))
    log_softmax    y = x - max x - log sum exp(x - max x)           gx = gy - exp(y) sum(gy)

The maximum is subtracted first, so that exp cannot overflow; it cancels. Saved: y.
"""

from typing import Any

from specframe.op import Op
from specframe.ops._inputs import Axis, axes_of, real
from specframe.tape import apply
from specframe.tensor import Tensor


def _shifted(x: Any, axis: tuple[int, ...]) -> Any:
    return x - x.max(axis=axis, keepdims=True) if x.size else x  # nothing has no maximum


class Softmax(Op):
    name = "softmax"

    @staticmethod
    def forward(ctx, x, axis):
        ctx.axis = axis
        y = ctx.xp.exp(_shifted(x, axis))
        y = y / y.sum(axis=axis, keepdims=True)
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        y = ctx["y"].dense()
        return y * (gy - (gy * y).sum(axis=ctx.axis, keepdims=True))


class LogSoftmax(Op):
    name = "log_softmax"

    @staticmethod
    def forward(ctx, x, axis):
        ctx.axis, y = axis, _shifted(x, axis)
        if x.size:
            y = y - ctx.xp.log(ctx.xp.exp(y).sum(axis=axis, keepdims=True))
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        return gy - ctx.xp.exp(ctx["y"].dense()) * gy.sum(axis=ctx.axis, keepdims=True)


def softmax(x: Tensor, axis: Axis = -1) -> Tensor:
    """exp(x), scaled so that it sums to 1 along `axis`: one, several, or (None) all of them."""
    return apply(Softmax, real("softmax", x), axis=axes_of("softmax", x, axis))


def log_softmax(x: Tensor, axis: Axis = -1) -> Tensor:
    """log(softmax(x)) without its rounding: finite where softmax is too small for a number."""
    return apply(LogSoftmax, real("log_softmax", x), axis=axes_of("log_softmax", x, axis))
