"""Threshold and activation of a spectrum as one op (Algorithm 1, lines 16 and 17).

    forward    Y^ = Y where |Y| > beta, else 0     threshold
               Z = a f(Y^ / a), part by part       split_activation
    backward   gY^ = f'(Y^ / a) gZ, part by part, the slope from Z
               gY = gY^ where Z is not zero: the zeros of Z are the threshold's mask

Saved: Z alone. `whole` works on all entries; `gathered` touches kept entries only, some rows at a time, and hands them
to the store as they are. It looks at values to choose the work, which would make the host wait for a GPU: there `whole`
runs. The functions on arrays serve spectral_conv_act too.
"""

import numpy as np

from specframe import spectrum
from specframe.op import Op, check_tensors
from specframe.ops.split_activation import activate, activate_backward, check_activation
from specframe.ops.threshold import check_beta, kept_entries
from specframe.saving import Sparse
from specframe.tape import apply


def whole(ctx, Y):
    """Z of Y (P, Q, batch, channels), and where it may differ from zero (None: anywhere)."""
    Y = ctx.backend.where(kept_entries(Y, ctx.beta), Y)
    Z = activate(ctx.xp, Y, ctx.activation, ctx.scale)
    ctx.save(Z=Z)
    return Z, None


def gathered(ctx, Y, rows, shape):
    """The same from Y (F, batch * channels) at the frequencies `rows`; Z is zero at the others."""
    b, xp, (P, Q, _, _) = ctx.backend, ctx.xp, shape
    Z = xp.zeros((P * Q, Y.shape[1]), Y.dtype)
    found = [(rows[:0], xp.zeros((0, Y.shape[1]), bool), Y[:0].reshape(-1))]  # rows, support, values of each piece
    for piece in b.pieces(Y):
        kept = kept_entries(Y[piece], ctx.beta)
        values = activate(xp, b.compress(Y[piece], kept, None), ctx.activation, ctx.scale)
        Z[rows[piece]] = b.expand(values, kept)
        filled = kept.any(axis=1)
        found.append((rows[piece][filled], kept[filled], values))
    rows, kept, values = (xp.concatenate(parts) for parts in zip(*found, strict=True))
    Z = Z.reshape(shape)
    ctx.save(Z=Sparse(shape, rows, kept, values, Z))
    active = np.zeros(P * Q, bool)
    active[rows] = True
    return Z, active.reshape(P, Q)


def on_kept(ctx, gZ, Z, out, places=None):
    """gY (F, batch * channels) at the frequencies that the threshold left, into the rows `places` (None: the first F)
    of `out`. Z is a Sparse."""
    b, done = ctx.backend, 0
    flat = gZ.reshape(gZ.shape[0] * gZ.shape[1], -1)
    for piece in b.pieces(Z.support, gZ.itemsize):
        support = Z.support[piece]
        count = Z.nnz if b.reading_waits else int(np.count_nonzero(support))  # on a device there is one piece
        g = b.compress(flat[piece if Z.rows is None else Z.rows[piece]], support, count)
        g = activate_backward(ctx.xp, g, Z.values[done : done + count], ctx.activation, ctx.scale)
        out[piece if places is None else places[piece]] = b.expand(g, support)
        done += count
    return out


class SpectralAct(Op):
    name = "spectral_act"
    exact_zeros = ("Z",)  # zero where the threshold dropped

    @staticmethod
    def forward(ctx, Y, s, beta, activation, scale):
        ctx.beta, ctx.activation, ctx.scale = beta, activation, scale
        if ctx.backend.reading_waits:
            Z, active = whole(ctx, Y)
        else:
            frequencies = Y.shape[0] * Y.shape[1]
            Z, active = gathered(ctx, Y.reshape(frequencies, -1), np.arange(frequencies), Y.shape)
        ctx.spectrum = s.with_active(active)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        Z = ctx["Z"].sparse()
        shape = gZ.shape[0] * gZ.shape[1], Z.support.shape[1]
        gY = (ctx.xp.empty if Z.rows is None else ctx.xp.zeros)(shape, gZ.dtype)
        return on_kept(ctx, gZ, Z, gY, Z.rows).reshape(gZ.shape)


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
