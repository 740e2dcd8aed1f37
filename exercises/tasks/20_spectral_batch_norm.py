"""Exercise 20: batch normalisation in the spectrum, backward.

    Y, Z (P, Q, batch, channels) complex, on the grid P x W, ortho norm; N images in the batch; one channel at a time:

    Y' = Y, less the mean over the batch of Re Y[0, 0] in bin (0, 0)
    s^2 = sum m |Y'|^2 / (N P W) + eps,        Z = Y' / s

with m the column weights. (gamma = 1 and beta = 0: you have them from exercise 18.) Two mistakes are in the backward.
Derive it and mend them.
"""

import numpy as np

import specframe as sf


def column_weights(W):
    """m, (Q, 1, 1): how often each stored column stands in the whole spectrum."""
    m = np.full((W // 2 + 1, 1, 1), 2.0)
    m[0] = 1
    if W % 2 == 0:
        m[-1] = 1
    return m


class Normalise(sf.Op):
    name = "normalise"

    @staticmethod
    def forward(ctx, Y, grid):
        (P, W), N = grid, Y.shape[2]
        centred = Y.copy()
        centred[0, 0] -= Y[0, 0].real.mean(axis=0)
        ctx.grid = grid
        ctx.s = np.sqrt(np.sum(column_weights(W) * abs(centred) ** 2, axis=(0, 1, 2)) / (N * P * W) + 1e-5)
        Z = centred / ctx.s
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, g):
        Z, s, (P, W), N = ctx["Z"].dense(), ctx.s, ctx.grid, g.shape[2]
        along = np.sum((Z.conj() * g).real, axis=(0, 1, 2)) / (N * P * W)
        gY = g - Z * along
        gY[0, 0] -= g[0, 0].mean(axis=0)
        return gY / s
