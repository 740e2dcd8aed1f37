"""clip: every entry brought into [min, max].

    forward    y = min(max(x, low), high)
    backward   gx = gy where low <= x <= high, else 0

The bounds themselves let the gradient through, as in PyTorch. Saved: one bit an entry.
"""

import numpy as np

from specframe.op import Op, check_tensors
from specframe.ops._inputs import real
from specframe.tape import apply
from specframe.tensor import Tensor


class Clip(Op):
    name = "clip"

    @staticmethod
    def forward(ctx, x, low, high):
        if ctx.recording:
            ctx.save_bits(inside=(x >= low) & (x <= high))
        return ctx.xp.minimum(ctx.xp.maximum(x, low), high)

    @staticmethod
    def backward(ctx, gy):
        return gy * ctx["inside"].dense()


def clip(x: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """x with what lies below `min` set to `min`, and then what lies above `max` set to `max`; None is no bound.

    Raises
    ------
    TypeError
        A bound is no number (maximum and minimum take tensors).
    ValueError
        No bound at all, or x is complex.
    """
    check_tensors("clip", x)
    bounds = [bound.item() if isinstance(bound, np.generic) else bound for bound in (min, max)]
    for bound in bounds:
        if not isinstance(bound, int | float | None):
            raise TypeError(f"clip: expected numbers as bounds, got {type(bound).__name__}; maximum takes tensors")
    if bounds == [None, None]:
        raise ValueError("clip: expected min, max or both")
    x = real("clip", x) if x.dtype.kind not in "iu" or any(isinstance(bound, float) for bound in bounds) else x
    lowest, highest = (-np.inf, np.inf) if x.dtype.kind == "f" else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    low, high = (
        x.dtype.type(end if bound is None else sorted((lowest, bound, highest))[1])
        for bound, end in zip(bounds, (lowest, highest), strict=True)
    )
    return apply(Clip, x, low=low, high=high)
