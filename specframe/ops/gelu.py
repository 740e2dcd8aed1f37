"""gelu: x times the probability that a standard normal number is below x.

    P(x) = (1 + erf(x / sqrt 2)) / 2    p(x) = P'(x) = e^(-x^2 / 2) / sqrt(2 pi)

    forward    y = x P(x)
    backward   gx = gy (P(x) + x p(x))

The exact form, not the one with tanh. Saved: x.

Source: D. Hendrycks, K. Gimpel, Gaussian Error Linear Units, 2016, arXiv:1606.08415.
"""

import math
from typing import Any

from specframe.op import Op
from specframe.ops._inputs import real
from specframe.tape import apply
from specframe.tensor import Tensor


def _below(ctx: Any, x: Any) -> Any:
    """P(x)."""
    one, half = x.dtype.type(1), x.dtype.type(0.5)
    return half * (one + ctx.backend.special.erf(x * x.dtype.type(math.sqrt(0.5))))


class GELU(Op):
    name = "gelu"

    @staticmethod
    def forward(ctx, x):
        ctx.save(x=x)
        return x * _below(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        x = ctx["x"].dense()
        density = ctx.xp.exp(x * x * x.dtype.type(-0.5)) * x.dtype.type(1 / math.sqrt(2 * math.pi))
        return gy * (_below(ctx, x) + x * density)


def gelu(x: Tensor) -> Tensor:
    """x P(x) of a real Tensor of any shape."""
    return apply(GELU, real("gelu", x))
