"""Exercise 20: batch normalisation in the spectrum, backward. The solution.

With <a, b> = Re sum conj(a) b over all entries of a channel:

    dZ = dY' / s - Y' ds / s^2 = (dY' - Z ds) / s
    2 s ds = sum m 2 Re(conj(Y') dY') / (N P W),        ds = <m Z, dY'> / (N P W)

    dL = <g, dZ> = 1/s (<g, dY'> - <g, Z> <m Z, dY'> / (N P W))        gY' = (g - m Z <Z, g> / (N P W)) / s

The m belongs to the second Z and not to the product <Z, g>: it says how much a stored entry moves s.

Now the mean. Y'[0, 0, n] = Y[0, 0, n] - 1/N sum_k Re Y[0, 0, k]. Each Re Y[0, 0, k] enters all images' bins, with -1/N:

    gY[0, 0, k] = gY'[0, 0, k] - 1/N sum_n Re gY'[0, 0, n]

a real number, because only the real parts are averaged. In the sum the term with Z vanishes: Re Z[0, 0] has the mean 0
by construction. What is left is the mean of Re g[0, 0], over s.
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
        gY = g - column_weights(W) * Z * along
        gY[0, 0] -= g[0, 0].real.mean(axis=0)
        return gY / s
