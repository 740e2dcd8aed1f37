"""Exercise 11: from the spectrum of the kernel back to the kernel. The solution.

For one pair of channels K = E k with a matrix E of P Q rows and s^2 columns. A linear op is differentiated by its
adjoint, and k is real, so it gets the real part:

    gk = Re(E^H gK),        gk[d, c, i, j] = Re sum_pq conj(E[p, q, i, j]) gK[p, q, c, d]

No column weights: each entry of gK says how the loss moves with this *stored* entry of K, and the sum over the stored
entries is all there is. The m come from irfft2, which lets a stored entry act twice, and they are in gK already.

(One reaches the same by an inverse transform of gK / m on the whole grid, of which s x s points are kept. That makes
P W numbers to use s^2 of them.)
"""

import numpy as np

import specframe as sf


def waves(P, W, s):
    """E, (P, Q, s, s)."""
    p, q, i = np.arange(P), np.arange(W // 2 + 1), np.arange(s) - (s - 1) // 2
    rows, cols = np.exp(2j * np.pi * np.outer(p, i) / P), np.exp(2j * np.pi * np.outer(q, i) / W)
    return rows[:, None, :, None] * cols[None, :, None, :]


class KernelSpectrum(sf.Op):
    name = "kernel_spectrum"

    @staticmethod
    def forward(ctx, k, grid):
        ctx.E = waves(*grid, k.shape[-1])
        return np.einsum("pqij,dcij->pqcd", ctx.E, k)

    @staticmethod
    def backward(ctx, gK):
        return np.einsum("pqij,pqcd->dcij", ctx.E.conj(), gK).real
