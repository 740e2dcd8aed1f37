"""Activations in the spectrum, eq. (5): one real function on the real and on the imaginary part, with a scale a.

    forward    Z = a f(Re(Y) / a) + i a f(Im(Y) / a)
    backward   gY = f'(Re(Y) / a) Re(gZ) + i f'(Im(Y) / a) Im(gZ)          eq. (9)

    name        f(x)                       f'(x), from the output: t = f(x)        parts end at
    tanh        tanh(x)                    1 - t^2                                 +- a
    softsign    x / (1 + |x|)              (1 - |t|)^2                             +- a
    hardtanh    min(max(x, -1), 1)         1 where |t| < 1, else 0                 +- a
    arctan      arctan(x)                  cos(t)^2                                +- a pi / 2

Each is odd, so the Hermitian symmetry of a spectrum survives (eq. 8); nondecreasing, with slope 1 at zero; and zero at
zero, so sparsity survives. The scale moves the bend: low frequencies are large, and with a = 1 nearly all of them
saturate. A part at exactly +-a counts as saturated under hardtanh: it passes no gradient.

Saved: the output, which the next convolution needs anyway; the slope follows from it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


class Activation(NamedTuple):
    """f(xp, x), and the slope f'(x) as a function (xp, t) of t = f(x)."""

    f: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any]


ACTIVATIONS = {
    "tanh": Activation(
        lambda xp, x: xp.tanh(x),
        lambda xp, t: 1 - t * t),
    "softsign": Activation(
        lambda xp, x: x / (1 + abs(x)),
        lambda xp, t: xp.square(1 - abs(t))),
    "hardtanh": Activation(
        lambda xp, x: xp.clip(x, -1, 1),
        lambda xp, t: (abs(t) < 1).astype(t.dtype)),
    "arctan": Activation(
        lambda xp, x: xp.arctan(x),
        lambda xp, t: xp.square(xp.cos(t))),
}  # fmt: skip


def parts(xp, Y):
    """Y as a real array of its real and imaginary parts, side by side in the last axis; where it can be, not a copy."""
    return xp.ascontiguousarray(Y).view(Y.real.dtype)


class SplitActivation(Op):
    name = "split_activation"

    @staticmethod
    def forward(ctx, Y, activation, scale, s):
        ctx.activation, ctx.scale, ctx.spectrum = activation, scale, s
        f = ACTIVATIONS[activation].f
        z = scale * f(ctx.xp, parts(ctx.xp, Y) / scale)
        Z = z.view(Y.dtype).reshape(Y.shape)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        slope = ACTIVATIONS[ctx.activation].slope
        g = slope(ctx.xp, parts(ctx.xp, ctx["Z"].dense()) / ctx.scale) * parts(ctx.xp, gZ)
        return g.view(gZ.dtype).reshape(gZ.shape)


def check_activation(activation, scale, op):
    if activation not in ACTIVATIONS:
        raise ValueError(f"{op}: unknown activation {activation!r}, choose {', '.join(ACTIVATIONS)}")
    if not scale > 0:  # also refuses NaN
        raise ValueError(f"{op}: the scale of {activation} must be above 0, got {scale}")


def split_activation(Y: Tensor, activation: str = "tanh", scale: float = 1.0) -> Tensor:
    """a f(part / a) on the real and the imaginary part.

    Parameters
    ----------
    Y : Tensor, complex (or real), any shape
    activation : "tanh" (the paper's), "softsign", "hardtanh" or "arctan"
    scale : float above 0
        a. Parts much smaller than a pass unchanged, larger ones bend.

    Raises
    ------
    ValueError
        An unknown activation, or a scale that is not above 0.

    >>> import numpy as np, specframe as sf
    >>> sf.ops.split_activation(sf.Tensor(np.array([3 - 1j])), "softsign").data
    array([0.75-0.5j])
    """
    check_tensors("split_activation", Y)
    check_activation(activation, scale, "split_activation")
    return apply(SplitActivation, Y, activation=activation, scale=float(scale), s=Y.spectrum)
