"""Threshold and activation of the entries that pass, gathered: what spectral_act and spectral_conv_act have in common.

Both directions touch kept entries only, some rows (frequencies) at a time, and hand them to the store as they are.
"""

import numpy as np

from specframe.fast.cpu.split_activation import activate, activate_backward
from specframe.ops.threshold import kept_entries
from specframe.saving import Sparse


def threshold_and_activate(ctx, Y, rows, shape):
    """Z of `shape` (P, Q, batch, channels), zero outside the frequencies `rows`, of Y (F, batch * channels) at these.

    It saves Z, and notes on the result's Spectrum the frequencies that hold anything.
    """
    b, (P, Q, _, _) = ctx.backend, shape
    Z = np.zeros((P * Q, Y.shape[1]), Y.dtype)
    found = [(rows[:0], np.zeros((0, Y.shape[1]), bool), Y[:0].reshape(-1))]  # rows, support, values of each piece
    for piece in b.pieces(Y):
        kept = kept_entries(Y[piece], ctx.beta)
        values = activate(b.compress(Y[piece], kept, None), ctx.activation, ctx.scale)
        Z[rows[piece]] = b.expand(values, kept)
        filled = kept.any(axis=1)
        found.append((rows[piece][filled], kept[filled], values))
    rows, kept, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    Z = Z.reshape(shape)
    ctx.save(Z=Sparse(shape, rows, kept, values, Z))
    active = np.zeros(P * Q, bool)
    active[rows] = True
    ctx.spectrum = ctx.spectrum.with_active(active.reshape(P, Q))
    return Z


def backward(ctx, gZ, Z, out, places=None):
    """gY (F, batch * channels) at the frequencies that the threshold left, into the rows `places` (None: the first F)
    of `out`. Z is a Sparse."""
    b, done = ctx.backend, 0
    flat = gZ.reshape(gZ.shape[0] * gZ.shape[1], -1)
    for piece in b.pieces(Z.support, gZ.itemsize):
        support = Z.support[piece]
        count = int(np.count_nonzero(support))
        g = b.compress(flat[piece if Z.rows is None else Z.rows[piece]], support, count)
        g = activate_backward(g, Z.values[done : done + count], ctx.activation, ctx.scale)
        out[piece if places is None else places[piece]] = b.expand(g, support)
        done += count
    return out
