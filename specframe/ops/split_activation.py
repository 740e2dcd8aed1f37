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
from typing import NamedTuple

from specframe.op import Op, check_tensors
from specframe.tape import apply

# ---- the functions, on an array of parts, in place -------------------------------------------------------------


def _tanh(xp, x):
    xp.tanh(x, out=x)


def _tanh_slope(xp, t):
    t *= t
    xp.subtract(1, t, out=t)


def _softsign(xp, x):
    below = xp.abs(x)
    below += 1
    x /= below


def _softsign_slope(xp, t):
    xp.abs(t, out=t)
    xp.subtract(1, t, out=t)
    t *= t


def _hardtanh(xp, x):
    xp.clip(x, -1, 1, out=x)


def _hardtanh_slope(xp, t):
    t[...] = xp.abs(t) < 1


def _arctan(xp, x):
    xp.arctan(x, out=x)


def _arctan_slope(xp, t):
    xp.cos(t, out=t)
    t *= t


class Activation(NamedTuple):
    """f turns x into f(x), slope turns f(x) into f'(x)."""

    f: Callable
    slope: Callable


ACTIVATIONS = {
    "tanh": Activation(_tanh, _tanh_slope),
    "softsign": Activation(_softsign, _softsign_slope),
    "hardtanh": Activation(_hardtanh, _hardtanh_slope),
    "arctan": Activation(_arctan, _arctan_slope),
}


# ---- on the parts of complex arrays ----------------------------------------------------------------------------


def parts(xp, array):
    """A complex array seen as a real one with twice the entries in its last axis (both parts are treated alike)."""
    return xp.ascontiguousarray(array).view(array.real.dtype) if array.dtype.kind == "c" else array


def activate(xp, Y, activation, scale):
    """a f(part / a), of plain arrays."""
    Z = xp.array(Y, order="C")  # a copy; `parts` of another order would be one more, and Z left unchanged
    z, a = parts(xp, Z), Z.real.dtype.type(scale)
    if scale != 1:
        z /= a
    ACTIVATIONS[activation].f(xp, z)
    if scale != 1:
        z *= a
    return Z


def activate_backward(xp, gZ, Z, activation, scale):
    """f'(part / a) part of gZ, of plain arrays; the slope from Z. A division: a / a is 1 exactly, as hardtanh needs."""
    z = parts(xp, Z)
    g = xp.divide(z, z.dtype.type(scale), out=xp.empty_like(z))
    ACTIVATIONS[activation].slope(xp, g)
    g *= parts(xp, gZ)
    return g.view(gZ.dtype).reshape(gZ.shape)  # ascontiguousarray gives a 0-d array an axis


class SplitActivation(Op):
    name = "split_activation"

    @staticmethod
    def forward(ctx, Y, activation, scale, s):
        ctx.activation, ctx.scale, ctx.spectrum = activation, scale, s
        Z = activate(ctx.xp, Y, activation, scale)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        return activate_backward(ctx.xp, gZ, ctx["Z"].dense(), ctx.activation, ctx.scale)


def check_activation(activation, scale, op):
    if activation not in ACTIVATIONS:
        raise ValueError(f"{op}: unknown activation {activation!r}, choose {', '.join(ACTIVATIONS)}")
    if not scale > 0:  # also refuses NaN
        raise ValueError(f"{op}: the scale of {activation} must be above 0, got {scale}")


def split_activation(Y, activation="tanh", scale=1.0):
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
