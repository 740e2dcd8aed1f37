"""reshape, flatten and squeeze: the same entries in the same order, in another shape.

    forward    y = x in another shape
    backward   gx = gy in x's shape

Nothing is saved, and the result has a cheap recipe: an op that saves it keeps x.
"""

import math
from typing import Any

from specframe.op import Op, check_tensors
from specframe.ops._inputs import Axis, axes_of, integers
from specframe.tape import apply
from specframe.tensor import Tensor


class Reshape(Op):
    name, recompute = "reshape", "always"

    @staticmethod
    def forward(ctx, x, shape):
        ctx.before, ctx.after = x.shape, shape
        return x.reshape(shape)

    @staticmethod
    def backward(ctx, gy):
        return gy.reshape(ctx.before)

    @staticmethod
    def remake(ctx, x):
        return x.reshape(ctx.after)


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """x in another shape, reshape(x, 3, -1) or reshape(x, (3, -1)); one entry may be -1.

    Raises
    ------
    ValueError
        The number of entries differs.
    """
    check_tensors("reshape", x)
    shape = integers("reshape", shape)
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and known and x.size % known == 0:
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    if -1 in shape or math.prod(shape) != x.size or any(n < 0 for n in shape):
        raise ValueError(f"reshape: cannot arrange {x.shape} as {shape}")
    return apply(Reshape, x, shape=shape)


def flatten(x: Tensor, start: int = 0, end: int = -1) -> Tensor:
    """x with the axes from `start` to `end`, both among them, made one; a number becomes a vector.

    Raises
    ------
    ValueError
        An axis is not there, or the last comes before the first.
    """
    if isinstance(x, Tensor) and not x.ndim:
        return reshape(x, 1)
    first, last = axes_of("flatten", x, start)[0], axes_of("flatten", x, end)[0]
    if last < first:
        raise ValueError(f"flatten: axis {end} comes before axis {start} of {x.shape}")
    return reshape(x, (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


def squeeze(x: Tensor, axis: Axis = None) -> Tensor:
    """x without some of its axes of length 1: one, several, or (None) all of them.

    Raises
    ------
    ValueError
        A named axis is longer.
    """
    axes = axes_of("squeeze", x, axis)
    if axis is not None and any(x.shape[i] != 1 for i in axes):
        raise ValueError(f"squeeze: axis {axis} of {x.shape} is not of length 1")
    return reshape(x, [n for i, n in enumerate(x.shape) if n != 1 or i not in axes])
