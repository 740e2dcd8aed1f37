"""Threshold, line 16 of Algorithm 1: small entries of a spectrum become zero.

    forward    Y^ = Y where |Y| > beta, else 0
    backward   gY = gY^ where |Y| > beta, else 0

An entry equal to beta is dropped. Saved: one bit an entry.
"""

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


def kept_entries(Y, beta):
    """Booleans: |Y| > beta. NaN is kept: a threshold must not hide it."""
    return ~(abs(Y) <= Y.real.dtype.type(beta))


def check_beta(beta, op):
    if not beta >= 0:  # also refuses NaN
        raise ValueError(f"{op}: beta must be 0 or more, got {beta}")


class Threshold(Op):
    name = "threshold"

    @staticmethod
    def forward(ctx, Y, beta, s):
        ctx.spectrum = s
        kept = kept_entries(Y, beta)
        ctx.save_bits(kept=kept)
        return ctx.backend.where(kept, Y)

    @staticmethod
    def backward(ctx, g):
        return ctx.backend.where(ctx["kept"].dense(), g)


def threshold(Y: Tensor, beta: float) -> Tensor:
    """Zero the entries of Y whose absolute value is not above beta.

    Parameters
    ----------
    Y : Tensor of any shape, complex or real
    beta : float, 0 or more

    Raises
    ------
    ValueError
        beta is negative or NaN.

    >>> import numpy as np, specframe as sf
    >>> sf.ops.threshold(sf.Tensor(np.array([3 + 4j, 3 + 3j])), beta=5).data + 0   # |3 + 4i| = 5 is dropped
    array([0.+0.j, 0.+0.j])
    """
    check_tensors("threshold", Y)
    check_beta(beta, "threshold")
    return apply(Threshold, Y, beta=beta, s=Y.spectrum)
