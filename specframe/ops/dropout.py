"""dropout: in training, each entry is zeroed with probability p and the others grow by 1 / (1 - p).

    forward    y = x keep / (1 - p)         keep: booleans drawn from `key`
    backward   gx = gy keep / (1 - p)

Saved: one bit an entry. The draw is a function of the key alone, so a run that counts its keys resumes exactly. A part
of a batch takes its images of the draw for all.
"""

from collections.abc import Callable, Sequence

import numpy as np

from specframe.op import Op
from specframe.tape import apply
from specframe.tensor import Tensor


class Dropout(Op):
    name = "dropout"

    @staticmethod
    def forward(ctx, x, p, key):
        ctx.gain = x.dtype.type(1 / (1 - p)) if p < 1 else x.dtype.type(0)
        key = ctx.once(key) if callable(key) else key
        keep = ctx.random(key, x.shape, np.float32) >= np.float32(p)
        ctx.save_bits(keep=keep)
        return ctx.backend.where(keep, x) * ctx.gain  # not x * keep: a -0.0 is an entry that a store must keep

    @staticmethod
    def backward(ctx, gy):
        return gy * ctx["keep"].dense() * ctx.gain


def dropout(
    x: Tensor, p: float = 0.5, key: Sequence[int] | Callable[[], Sequence[int]] = (0,), training: bool = True
) -> Tensor:
    """Zero entries at random.

    Parameters
    ----------
    x : Tensor, real, any shape
    p : float in [0, 1], the share to zero
    key : sequence of non-negative integers, or a function that returns one
        The same key draws the same entries. A function is called once, however often the forward runs.
    training : bool; False returns x

    Raises
    ------
    ValueError
        p outside [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be between 0 and 1, got {p}")
    if not training or p == 0:
        return x
    return apply(Dropout, x, p=p, key=key)
