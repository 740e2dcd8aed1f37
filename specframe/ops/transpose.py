"""transpose: the same entries with the axes in another order.

    forward    y = x with permuted axes
    backward   gx = gy with the axes permuted back

Nothing is saved, and the result has a cheap recipe: an op that saves it keeps x.
"""

from typing import Any

from specframe.op import Op, check_tensors
from specframe.ops._inputs import axes_of, integers
from specframe.tape import apply
from specframe.tensor import Tensor


class Transpose(Op):
    name, recompute = "transpose", "always"

    @staticmethod
    def forward(ctx, x, axes):
        ctx.axes = axes
        return Transpose.remake(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        back = [ctx.axes.index(axis) for axis in range(len(ctx.axes))]
        return ctx.xp.asarray(gy.transpose(back), order="C")

    @staticmethod
    def remake(ctx, x):
        return ctx.xp.asarray(x.transpose(ctx.axes), order="C")


def transpose(x: Tensor, *axes: Any) -> Tensor:
    """x with its axes in the order `axes`, transpose(x, 2, 0, 1) or transpose(x, (2, 0, 1)); without any, reversed.

    Two numbers for more than two axes change places, as in PyTorch: transpose(x, -2, -1).

    Raises
    ------
    ValueError
        `axes` is no permutation of x's axes. Also transpose(x, 0, 1) of a matrix, which NumPy and PyTorch take for
        different things: x itself, and its transpose.
    """
    check_tensors("transpose", x)
    if len(axes) == 2 and x.ndim >= 2:
        first, last = axes_of("transpose", x, axes)
        if x.ndim == 2 and first < last:
            raise ValueError(f"transpose: {axes} of a matrix is x in NumPy and x.T in PyTorch; say which")
        order = list(range(x.ndim))
        order[first], order[last] = last, first
        return apply(Transpose, x, axes=tuple(order))
    given = integers("transpose", axes) if axes and axes != (None,) else tuple(reversed(range(x.ndim)))
    order = [i + x.ndim if i < 0 else i for i in given]
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"transpose: {given} is no order of the {x.ndim} axes")
    return apply(Transpose, x, axes=tuple(order))
