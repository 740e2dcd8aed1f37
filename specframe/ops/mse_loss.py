"""mse_loss: the mean squared difference.

    forward    d = x - t,   L = sum |d|^2 / entries
    backward   gx = 2 gL d / entries,   gt = -gx

Saved: d.
"""

from typing import Any

from specframe.op import Op
from specframe.ops._broadcast import operands, reduce_to
from specframe.ops._inputs import floating
from specframe.tape import apply
from specframe.tensor import Tensor


class MSELoss(Op):
    name = "mse_loss"

    @staticmethod
    def forward(ctx, x, t):
        ctx.like = (x.shape, x.dtype), (t.shape, t.dtype)
        d = x - t
        ctx.save(d=d)
        squares = d.real * d.real + d.imag * d.imag if d.dtype.kind == "c" else d * d
        return squares.mean()

    @staticmethod
    def backward(ctx, gy):
        d = ctx["d"].dense()
        gx = d * (gy * gy.dtype.type(2 / d.size))
        return tuple(reduce_to(g, like) for g, like in zip((gx, -gx), ctx.like, strict=True))


def mse_loss(prediction: Tensor, target: Any) -> Tensor:
    """Mean of |prediction - target|^2 over all entries.

    Parameters
    ----------
    prediction, target : Tensors of one shape; one of them may be an array, which is a constant

    Returns
    -------
    Tensor ()

    Raises
    ------
    ValueError
        Shapes that differ, as (batch, 1) and (batch,), which would broadcast to all pairs; or no entries.
    """
    x, t = operands("mse_loss", prediction, target)
    if x.shape != t.shape:
        raise ValueError(f"mse_loss: the prediction is {x.shape}, the target {t.shape}; make them alike")
    if not x.size:
        raise ValueError(f"mse_loss: no entries in {x.shape}")
    return apply(MSELoss, floating("mse_loss", x), floating("mse_loss", t))
