"""Arithmetic, entry by entry with broadcasting, and the sum and mean that undo it.

    add        y = a + b        ga = gy,                   gb = gy
    subtract   y = a - b        ga = gy,                   gb = -gy
    multiply   y = a b          ga = gy conj(b),           gb = gy conj(a)
    divide     y = a / b        ga = gy / conj(b),         gb = -gy conj(y / b)
    power      y = a^n          ga = gy conj(n a^(n - 1))  n a Python number
    sum        y = sum of x     gx = gy, repeated
    mean       y = sum / count  gx = gy / count, repeated

A gradient is then summed over the axes along which its input was repeated (the adjoint of broadcasting), and only its
real part reaches a real input. Arrays or numbers on one side are taken as constants; labels and masks need no gradient.
"""

import math

import numpy as np

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


def _reduce_to(xp, g, like):
    """The adjoint of broadcasting an input to g's shape; `like` is (shape, dtype) of the input."""
    shape, dtype = like
    g = g.real if g.dtype.kind == "c" and dtype.kind != "c" else g
    g = g.sum(axis=tuple(range(g.ndim - len(shape)))) if g.ndim > len(shape) else g
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    g = g.sum(axis=repeated, keepdims=True) if repeated else g
    return g.astype(dtype, copy=False)


class _Binary(Op):
    """Shared by the four: remember what the inputs looked like, and fold the gradients back."""

    @classmethod
    def forward(cls, ctx, a, b):
        ctx.like = (a.shape, a.dtype), (b.shape, b.dtype)
        return cls.value(ctx, a, b)

    @classmethod
    def backward(cls, ctx, gy):
        gradients = cls.gradients(ctx, gy)
        return tuple(
            _reduce_to(ctx.xp, g, like) if needed else None
            for g, like, needed in zip(gradients, ctx.like, ctx.needs, strict=True)
        )


class Add(_Binary):
    name = "add"

    @staticmethod
    def value(ctx, a, b):
        return a + b

    @staticmethod
    def gradients(ctx, gy):
        return gy, gy


class Subtract(_Binary):
    name = "subtract"

    @staticmethod
    def value(ctx, a, b):
        return a - b

    @staticmethod
    def gradients(ctx, gy):
        return gy, -gy


class Multiply(_Binary):
    name = "multiply"

    @staticmethod
    def value(ctx, a, b):
        if ctx.needs[0]:
            ctx.save(b=b)
        if ctx.needs[1]:
            ctx.save(a=a)
        return a * b

    @staticmethod
    def gradients(ctx, gy):
        xp, (needs_a, needs_b) = ctx.xp, ctx.needs
        return (
            gy * xp.conj(ctx["b"].dense()) if needs_a else None,
            gy * xp.conj(ctx["a"].dense()) if needs_b else None,
        )


class Divide(_Binary):
    name = "divide"

    @staticmethod
    def value(ctx, a, b):
        y = ctx.xp.asarray(a / b)  # NumPy gives a scalar for 0-d arrays
        ctx.save(b=b)
        if ctx.needs[1]:
            ctx.save(y=y)
        return y

    @staticmethod
    def gradients(ctx, gy):
        xp, b = ctx.xp, ctx["b"].dense()
        ga = gy / xp.conj(b)
        return ga, -ga * xp.conj(ctx["y"].dense()) if ctx.needs[1] else None


class Power(Op):
    name = "power"

    @staticmethod
    def forward(ctx, a, n):
        ctx.n = n
        ctx.save(a=a)
        return a**n

    @staticmethod
    def backward(ctx, gy):
        if ctx.n == 0:
            return ctx.xp.zeros_like(gy)
        return gy * ctx.xp.conj(ctx.n * ctx["a"].dense() ** (ctx.n - 1))


class Sum(Op):
    name = "sum"

    @staticmethod
    def forward(ctx, x, axis, scale):
        ctx.shape, ctx.scale = x.shape, scale
        ctx.kept_dims = tuple(1 if i in axis else n for i, n in enumerate(x.shape))
        y = x.sum(axis=axis)
        y = y if scale == 1 else y * x.real.dtype.type(scale)
        return ctx.xp.asarray(y)

    @staticmethod
    def backward(ctx, gy):
        gy = gy if ctx.scale == 1 else gy * gy.real.dtype.type(ctx.scale)
        return ctx.xp.broadcast_to(gy.reshape(ctx.kept_dims), ctx.shape)


def _axes(x, axis, op):
    check_tensors(op, x)
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    if any(not -x.ndim <= i < x.ndim for i in axes):
        raise ValueError(f"{op}: axis {axis} is not among the {x.ndim} axes of {x.shape}")
    return tuple(i % x.ndim for i in axes)


def sum(x, axis=None):
    """Sum over one axis, several, or (None) all of them."""
    return apply(Sum, x, axis=_axes(x, axis, "sum"), scale=1)


def mean(x, axis=None):
    """Mean over one axis, several, or (None) all of them."""
    axes = _axes(x, axis, "mean")
    count = math.prod(x.shape[i] for i in axes)
    if count == 0:
        raise ValueError(f"mean: no entries along axis {axis} of {x.shape}")
    x = x if x.dtype.kind in "fc" else Tensor(x.data.astype(np.float64))  # integers have no gradient to lose
    return apply(Sum, x, axis=axes, scale=1 / count)


def _operands(op, a, b):
    """Both sides as Tensors of one device; a Python number takes the other side's precision."""
    like = a if isinstance(a, Tensor) else b
    if not isinstance(like, Tensor):
        raise TypeError(f"{op}: expected at least one Tensor, got {type(a).__name__} and {type(b).__name__}")
    sides = []
    for side in (a, b):
        if isinstance(side, int | float | complex):
            number = complex if isinstance(side, complex) else float if isinstance(side, float) else int
            side = like.backend.xp.asarray(side, dtype=np.result_type(like.dtype, number(0)))
        sides.append(side if isinstance(side, Tensor) else Tensor(side))
    try:
        like.backend.xp.broadcast_shapes(sides[0].shape, sides[1].shape)
    except ValueError:
        raise ValueError(f"{op}: shapes {sides[0].shape} and {sides[1].shape} do not broadcast") from None
    return sides


def add(a, b):
    """a + b; Tensors, arrays or numbers, with broadcasting."""
    return apply(Add, *_operands("add", a, b))


def subtract(a, b):
    """a - b."""
    return apply(Subtract, *_operands("subtract", a, b))


def multiply(a, b):
    """a * b, entry by entry."""
    return apply(Multiply, *_operands("multiply", a, b))


def divide(a, b):
    """a / b, entry by entry."""
    return apply(Divide, *_operands("divide", a, b))


def power(a, n):
    """a ** n for a Python number n."""
    if not isinstance(n, int | float):
        raise TypeError(f"power: the exponent must be a Python number, got {type(n).__name__}")
    return apply(Power, a, n=n.item() if isinstance(n, np.generic) else n)


Tensor.__add__ = Tensor.__radd__ = add
Tensor.__sub__ = subtract
Tensor.__rsub__ = lambda a, b: subtract(b, a)
Tensor.__mul__ = Tensor.__rmul__ = multiply
Tensor.__truediv__ = divide
Tensor.__rtruediv__ = lambda a, b: divide(b, a)
Tensor.__pow__ = power
Tensor.__neg__ = lambda a: multiply(a, -1)
