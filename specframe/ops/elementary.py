"""exp, log and sqrt, entry by entry.

    exp     y = e^x        gx = gy conj(y)          saved: y
    log     y = log x      gx = gy / conj(x)        saved: x
    sqrt    y = sqrt x     gx = gy / (2 conj(y))    saved: y

The conjugates are those of complex x (specframe/tensor.py). Outside of where a function has a value, as log of a
negative number, NumPy's answer stands: NaN or inf, and on a CPU its warning.
"""

from specframe.op import Op
from specframe.ops._inputs import floating
from specframe.tape import apply
from specframe.tensor import Tensor


class Exp(Op):
    name = "exp"

    @staticmethod
    def forward(ctx, x):
        y = ctx.xp.exp(x)
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        return gy * ctx.xp.conj(ctx["y"].dense())


class Log(Op):
    name = "log"

    @staticmethod
    def forward(ctx, x):
        ctx.save(x=x)
        return ctx.xp.log(x)

    @staticmethod
    def backward(ctx, gy):
        return gy / ctx.xp.conj(ctx["x"].dense())


class Sqrt(Op):
    name = "sqrt"

    @staticmethod
    def forward(ctx, x):
        y = ctx.xp.sqrt(x)
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        y = ctx["y"].dense()
        return gy / ctx.xp.conj(y + y)


def exp(x: Tensor) -> Tensor:
    """e to the power x, entry by entry; of integers as float64."""
    return apply(Exp, floating("exp", x))


def log(x: Tensor) -> Tensor:
    """The natural logarithm, entry by entry; of integers as float64."""
    return apply(Log, floating("log", x))


def sqrt(x: Tensor) -> Tensor:
    """The square root, entry by entry; of integers as float64. Its gradient at 0 is infinite."""
    return apply(Sqrt, floating("sqrt", x))
