"""Arithmetic, entry by entry with broadcasting.

    add        y = a + b        ga = gy,                   gb = gy
    subtract   y = a - b        ga = gy,                   gb = -gy
    multiply   y = a b          ga = gy conj(b),           gb = gy conj(a)
    divide     y = a / b        ga = gy / conj(b),         gb = -gy conj(y / b)

A gradient is then summed over the axes along which its input was repeated (the adjoint of broadcasting), and only its
real part reaches a real input (ops/_broadcast.py). Arrays or numbers on one side are constants.
"""

from typing import Any

from specframe.ops._broadcast import Pair, operands
from specframe.tape import apply
from specframe.tensor import Tensor


class Add(Pair):
    name = "add"

    @staticmethod
    def value(ctx, a, b):
        return a + b

    @staticmethod
    def gradients(ctx, gy):
        return gy, gy


class Subtract(Pair):
    name = "subtract"

    @staticmethod
    def value(ctx, a, b):
        return a - b

    @staticmethod
    def gradients(ctx, gy):
        return gy, -gy


class Multiply(Pair):
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


class Divide(Pair):
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


def add(a: Any, b: Any) -> Tensor:
    """a + b; Tensors, arrays or numbers, with broadcasting."""
    return apply(Add, *operands("add", a, b))


def subtract(a: Any, b: Any) -> Tensor:
    """a - b."""
    return apply(Subtract, *operands("subtract", a, b))


def multiply(a: Any, b: Any) -> Tensor:
    """a * b, entry by entry."""
    return apply(Multiply, *operands("multiply", a, b))


def divide(a: Any, b: Any) -> Tensor:
    """a / b, entry by entry."""
    return apply(Divide, *operands("divide", a, b))
