"""linear: a matrix product with a weight, and a bias.

    x (batch, in)    weight (out, in)    bias (out,)    y (batch, out)

    forward    y = x @ weight^T + bias
    backward   gx = gy @ weight,  gweight = gy^T @ x,  gbias = sum of gy over the batch

Saved: x (and the weight, which lives anyway).
"""

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


class Linear(Op):
    name = "linear"

    @staticmethod
    def forward(ctx, x, weight, bias):
        if ctx.needs[1]:
            ctx.save(x=x)
        if ctx.needs[0]:
            ctx.save(weight=weight)
        y = x @ weight.T
        if bias is not None:
            y += bias
        return y

    @staticmethod
    def backward(ctx, gy):
        gx = gy @ ctx["weight"].dense() if ctx.needs[0] else None
        gweight = gy.T @ ctx["x"].dense() if ctx.needs[1] else None
        return gx, gweight, gy.sum(axis=0)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight^T + bias.

    Parameters
    ----------
    x : Tensor (batch, in)
    weight : Tensor (out, in)
    bias : Tensor (out,) or None

    Raises
    ------
    ValueError
        Shapes or dtypes that do not fit each other.
    """
    check_tensors("linear", x, weight, bias)
    shapes_fit = x.ndim == weight.ndim == 2 and x.shape[1] == weight.shape[1]
    if not shapes_fit or x.dtype != weight.dtype or x.dtype.kind != "f":
        raise ValueError(
            f"linear: expected x (batch, in) and weight (out, in) of one real dtype, "
            f"got {x.shape} {x.dtype} and {weight.shape} {weight.dtype}"
        )
    if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != x.dtype):
        raise ValueError(f"linear: expected a bias ({weight.shape[0]},) {x.dtype}, got {bias.shape} {bias.dtype}")
    return apply(Linear, x, weight, bias)
