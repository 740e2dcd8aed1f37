"""Threshold and activation of a spectrum as one op (Algorithm 1, lines 16 and 17).

    forward    Y^ = Y where |Y| > beta, else 0     threshold
               Z = a f(Y^ / a), part by part       split_activation
    backward   gY^ = f'(Y^ / a) gZ, part by part, the slope from Z
               gY = gY^ where Z is not zero: the zeros of Z are the threshold's mask

Saved: Z alone. `whole` works on all entries; `gathered` touches kept entries only and hands them to the store as they
are. It looks at values to choose the work, which would make the host wait for a GPU: there `whole` runs. The
functions on arrays serve spectral_conv_act too.
"""

import numpy as np

from specframe import spectrum
from specframe.ops.split_activation import activate, activate_backward, check_activation
from specframe.ops.threshold import check_beta, kept_entries
from specframe.storage import Sparse
from specframe.tape import Op, apply, check_tensors


def whole(ctx, Y):
    """Z of Y (P, Q, batch, channels), and where it may differ from zero (None: anywhere)."""
    Y = ctx.backend.where(kept_entries(Y, ctx.beta), Y)
    Z = activate(ctx.xp, Y, ctx.activation, ctx.scale)
    ctx.save(Z=Z)
    return Z, None


def gathered(ctx, Y, rows, shape):
    """The same from Y (F, batch * channels) at the frequencies `rows`; Z is zero at the others."""
    xp, (P, Q, _, _) = ctx.xp, shape
    kept = kept_entries(Y, ctx.beta)
    filled = kept.any(axis=1)
    if not filled.all():
        rows, Y, kept = rows[filled], Y[filled], kept[filled]
    values = activate(xp, ctx.backend.compress(Y, kept, None), ctx.activation, ctx.scale)
    Z = xp.zeros((P * Q, kept.shape[1]), Y.dtype)
    Z[rows] = ctx.backend.expand(values, kept)
    Z = Z.reshape(shape)
    ctx.save(Z=Sparse(shape, rows, kept, values, Z))
    active = np.zeros(P * Q, bool)
    active[rows] = True
    return Z, active.reshape(P, Q)


def on_kept(ctx, gZ, Z):
    """gY (F, batch * channels) at the frequencies that the threshold left; Z is a Sparse."""
    flat = gZ.reshape(gZ.shape[0] * gZ.shape[1], -1)
    g = ctx.backend.compress(flat if Z.rows is None else flat[Z.rows], Z.support, Z.nnz)
    g = activate_backward(ctx.xp, g, Z.values, ctx.activation, ctx.scale)
    return ctx.backend.expand(g, Z.support)


def spread(xp, inside, rows, shape):
    """`inside` at the frequencies `rows` (None: all of them), zero elsewhere, as an array of `shape`."""
    if rows is not None:
        array = xp.zeros((shape[0] * shape[1], *inside.shape[1:]), inside.dtype)
        array[rows] = inside
        inside = array
    return inside.reshape(shape)


class SpectralAct(Op):
    name = "spectral_act"
    decisions = ("Z",)  # zero where the threshold dropped

    @staticmethod
    def forward(ctx, Y, s, beta, activation, scale):
        ctx.beta, ctx.activation, ctx.scale = beta, activation, scale
        if ctx.backend.asynchronous:
            Z, active = whole(ctx, Y)
        else:
            frequencies = Y.shape[0] * Y.shape[1]
            Z, active = gathered(ctx, Y.reshape(frequencies, -1), np.arange(frequencies), Y.shape)
        ctx.carries = s.with_active(active)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        Z = ctx["Z"].sparse()
        return spread(ctx.xp, on_kept(ctx, gZ, Z), Z.rows, gZ.shape)


def spectral_act(Y, beta=0.5, activation="tanh", scale=1.0):
    """split_activation(threshold(Y, beta), activation, scale), in one op that saves Z only.

    Parameters
    ----------
    Y : Tensor (P, Q, batch, channels), complex, that carries its grid
    beta : float, 0 or more, as in threshold
    activation, scale : as in split_activation

    Returns
    -------
    Z : Tensor like Y
        Carries its grid, and which frequencies hold anything.

    Raises
    ------
    ValueError
        As the two ops do, or Y carries no grid.
    """
    op = "spectral_act"
    check_tensors(op, Y)
    s = spectrum.of(Y, op)
    spectrum.check_half(Y, s, op)
    check_beta(beta, op)
    check_activation(activation, scale, op)
    return apply(SpectralAct, Y, s=s, beta=float(beta), activation=activation, scale=float(scale))
