"""Two inputs of which either is repeated to the shape of both, and the adjoint of that: a sum over the repetitions.

Only the real part of a complex gradient reaches a real input.
"""

from typing import Any

import numpy as np

from specframe.op import Op
from specframe.tensor import Tensor


def reduce_to(g: Any, like: tuple[tuple[int, ...], np.dtype[Any]]) -> Any:
    """The adjoint of broadcasting an input to g's shape; `like` is (shape, dtype) of the input."""
    shape, dtype = like
    g = g.real if g.dtype.kind == "c" and dtype.kind != "c" else g
    g = g.sum(axis=tuple(range(g.ndim - len(shape)))) if g.ndim > len(shape) else g
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    g = g.sum(axis=repeated, keepdims=True) if repeated else g
    return g.astype(dtype, copy=False)


class Pair(Op):
    """An op of two inputs that broadcast; subclasses define `value(ctx, a, b)` and `gradients(ctx, gy)`."""

    @classmethod
    def forward(cls, ctx, a, b):
        ctx.like = (a.shape, a.dtype), (b.shape, b.dtype)
        if a.dtype != b.dtype and not (a.ndim and b.ndim):
            # NumPy 1 lets the *value* of a 0-d array decide; from NumPy 2 on its dtype counts, and so it does here.
            dtype = np.result_type(a.dtype, b.dtype)
            a, b = a.astype(dtype, copy=False), b.astype(dtype, copy=False)
        return cls.value(ctx, a, b)

    @classmethod
    def backward(cls, ctx, gy):
        gradients = cls.gradients(ctx, gy)
        return tuple(
            reduce_to(g, like) if needed else None
            for g, like, needed in zip(gradients, ctx.like, ctx.needs, strict=True)
        )

    @staticmethod
    def value(ctx, a, b):
        raise NotImplementedError

    @staticmethod
    def gradients(ctx, gy):
        raise NotImplementedError


def operands(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both sides as Tensors of one device. A number, Python's or NumPy's, takes the other side's precision, and so does
    a mask; an array is a constant.

    Raises
    ------
    TypeError
        Neither is a Tensor.
    ValueError
        The shapes do not broadcast, or an integer does not fit into the other side's dtype.
    """
    like = a if isinstance(a, Tensor) else b
    if not isinstance(like, Tensor):
        raise TypeError(f"{op}: expected at least one Tensor, got {type(a).__name__} and {type(b).__name__}")
    a, b = _side(op, a, like), _side(op, b, like)
    if a.shape != b.shape:
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise ValueError(f"{op}: shapes {a.shape} and {b.shape} do not broadcast") from None
    return a, b


def _side(op: str, side: Any, like: Tensor) -> Tensor:
    if isinstance(side, Tensor):
        return side
    if isinstance(side, np.generic):
        side = side.item()
    if isinstance(side, int | float | complex):
        dtype = np.result_type(like.dtype, type(side)(0))
        if isinstance(side, int) and dtype.kind in "iu" and not np.iinfo(dtype).min <= side <= np.iinfo(dtype).max:
            raise ValueError(f"{op}: {side} does not fit into {dtype}")
        side = like.backend.xp.asarray(side, dtype=dtype)
    elif hasattr(side, "dtype") and side.dtype.kind == "b":
        side = side.astype(like.dtype)
    return Tensor(side)
