"""matmul: matrix products over the last two axes, the axes before them broadcast.

    a (..., m, k)    b (..., k, n)    y (..., m, n)

    forward    y = a @ b
    backward   ga = gy @ b^H,   gb = a^H @ gy,   summed over the axes along which a or b was repeated

A vector on the left counts as one row, on the right as one column; that axis is missing in y. Saved: a and b.
"""

from typing import Any

import numpy as np

from specframe.op import Op
from specframe.ops._broadcast import reduce_to
from specframe.tape import apply
from specframe.tensor import Tensor


class Matmul(Op):
    name = "matmul"

    @staticmethod
    def forward(ctx, a, b):
        ctx.like = (a.shape, a.dtype), (b.shape, b.dtype)
        if ctx.needs[1]:
            ctx.save(a=a)
        if ctx.needs[0]:
            ctx.save(b=b)
        return ctx.xp.matmul(a, b)

    @staticmethod
    def backward(ctx, gy):
        (shape_a, dtype_a), (shape_b, dtype_b) = ctx.like
        row, column = (1, *shape_a)[-max(2, len(shape_a)) :], (*shape_b, 1)[: max(2, len(shape_b))]
        if len(shape_b) == 1:
            gy = gy[..., None]
        if len(shape_a) == 1:
            gy = gy[..., None, :]
        ga = gb = None
        if ctx.needs[0]:
            b = ctx["b"].dense().reshape(column)
            ga = reduce_to(gy @ b.swapaxes(-1, -2).conj(), (row, dtype_a)).reshape(shape_a)
        if ctx.needs[1]:
            a = ctx["a"].dense().reshape(row)
            gb = reduce_to(a.swapaxes(-1, -2).conj() @ gy, (column, dtype_b)).reshape(shape_b)
        return ga, gb


def matmul(a: Any, b: Any) -> Tensor:
    """a @ b, as numpy.matmul: (..., m, k) and (..., k, n) make (..., m, n); vectors (k,) lose their axis.

    Parameters
    ----------
    a, b : Tensors, at least one of them; an array on the other side is a constant

    Raises
    ------
    ValueError
        Shapes that do not fit each other, or a number.
    """
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        raise TypeError(f"matmul: expected at least one Tensor, got {type(a).__name__} and {type(b).__name__}")
    a, b = (side if isinstance(side, Tensor) else Tensor(side) for side in (a, b))
    try:
        inner = b.shape[-2:][0]
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except (IndexError, ValueError):
        inner = None
    if not a.ndim or a.shape[-1] != inner:
        raise ValueError(f"matmul: expected shapes (..., m, k) and (..., k, n), got {a.shape} and {b.shape}")
    return apply(Matmul, a, b)
