"""var: the mean squared distance from the mean, over axes.

    forward    m = mean of x,   y = sum |x - m|^2 / (count - correction)
    backward   gx = 2 gy (x - m) / (count - correction)

m moves with x too, but the distances from it sum to 0, so that nothing of it is left in gx. Saved: x.
"""

import math

from specframe.op import Op
from specframe.ops._inputs import Axis, axes_of, floating
from specframe.tape import apply
from specframe.tensor import Tensor


class Var(Op):
    name = "var"

    @staticmethod
    def forward(ctx, x, axis, keepdims, count):
        ctx.axis, ctx.count = axis, count
        ctx.kept = tuple(1 if i in axis else n for i, n in enumerate(x.shape))
        ctx.save(x=x)
        d = x - x.mean(axis=axis, keepdims=True)
        d = d.real * d.real + d.imag * d.imag if d.dtype.kind == "c" else d * d
        return d.sum(axis=axis, keepdims=keepdims) / d.dtype.type(count)

    @staticmethod
    def backward(ctx, gy):
        x = ctx["x"].dense()
        return gy.reshape(ctx.kept) * (x - x.mean(axis=ctx.axis, keepdims=True)) * gy.dtype.type(2 / ctx.count)


def var(x: Tensor, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Tensor:
    """Variance over one axis, several, or (None) all of them; that of complex numbers is real.

    Parameters
    ----------
    correction : number
        What is taken off the count: 0, NumPy's default, for the variance of the entries themselves; 1, PyTorch's, for
        an unbiased estimate from a sample.

    Raises
    ------
    ValueError
        There are not more entries than the correction.
    """
    axes = axes_of("var", x, axis)
    count = math.prod(x.shape[i] for i in axes)
    if count <= correction:
        raise ValueError(f"var: {count} entries along axis {axis} of {x.shape}, and a correction of {correction}")
    return apply(Var, floating("var", x), axis=axes, keepdims=keepdims, count=count - correction)
