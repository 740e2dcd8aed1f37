"""power: a number to the power n, entry by entry.

    forward    y = a^n                      n a number
    backward   ga = gy conj(n a^(n - 1)),   0 for n = 0

Saved: a.
"""

import numpy as np

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


class Power(Op):
    name = "power"

    @staticmethod
    def forward(ctx, a, n):
        ctx.n = n
        ctx.save(a=a)
        return (a**n).astype(np.result_type(a.dtype, type(n)(0)), copy=False)  # NumPy 1 makes float64 of a 0-d float32

    @staticmethod
    def backward(ctx, gy):
        if ctx.n == 0:
            return ctx.xp.zeros_like(gy)
        a = ctx["a"].dense()
        return (gy * ctx.xp.conj(ctx.n * a ** (ctx.n - 1))).astype(a.dtype, copy=False)


def power(a: Tensor, n: float) -> Tensor:
    """a ** n for a number n.

    Raises
    ------
    ValueError
        Integers to a negative power.
    """
    n = n.item() if isinstance(n, np.generic) else n
    if not isinstance(n, int | float):
        raise TypeError(f"power: the exponent must be a Python number, got {type(n).__name__}")
    check_tensors("power", a)
    if a.dtype.kind in "iu" and isinstance(n, int) and n < 0:
        raise ValueError(f"power: {a.dtype} to the power {n} is no integer; use {float(n)}")
    return apply(Power, a, n=n)
