"""maximum and minimum of two tensors, entry by entry with broadcasting.

    forward    y = the larger (smaller) of a and b
    backward   gy goes to the side that y is; half of it to each where they are equal, and all of it to both where
               one is NaN (then y is NaN), as in PyTorch

Saved: one of four cases, two bits an entry.
"""

from typing import Any

import numpy as np

from specframe.ops._broadcast import Pair, operands
from specframe.tape import apply
from specframe.tensor import Tensor

IS_A, IS_B = np.uint8(1), np.uint8(2)
SHARES = [(1, 1), (1, 0), (0, 1), (0.5, 0.5)]  # of a and of b: where y is NaN, a, b, both


class Maximum(Pair):
    name = "maximum"

    @classmethod
    def value(cls, ctx, a, b):
        if ctx.recording:
            low, high = (b, a) if cls is Maximum else (a, b)
            ctx.save_bits(case=(low <= high) * IS_A + (high <= low) * IS_B, levels=4)
        return getattr(ctx.xp, cls.name)(a, b)

    @staticmethod
    def gradients(ctx, gy):
        case, (of_a, of_b) = ctx["case"].dense(), ctx.xp.asarray(SHARES, gy.dtype).T
        return gy * of_a[case], gy * of_b[case]


class Minimum(Maximum):
    name = "minimum"


def _of_two(op, a, b):
    a, b = operands(op.name, a, b)
    if "c" in (a.dtype.kind, b.dtype.kind):
        raise ValueError(f"{op.name}: complex numbers have no order, got {a.dtype} and {b.dtype}")
    return apply(op, a, b)


def maximum(a: Any, b: Any) -> Tensor:
    """The larger of a and b, entry by entry; Tensors, arrays or numbers, with broadcasting."""
    return _of_two(Maximum, a, b)


def minimum(a: Any, b: Any) -> Tensor:
    """The smaller of a and b, entry by entry; Tensors, arrays or numbers, with broadcasting."""
    return _of_two(Minimum, a, b)
