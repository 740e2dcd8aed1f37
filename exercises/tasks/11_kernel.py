"""Exercise 11: from the spectrum of the kernel back to the kernel.

    k (c_out, c_in, s, s) real        K (P, Q, c_in, c_out) complex, Q = W // 2 + 1

    K[p, q, c, d] = sum_ij E[p, q, i, j] k[d, c, i, j]          E[p, q, i, j] = exp(2 pi i (p i' / P + q j' / W))

with i' and j' counted from the middle of the kernel. Derive the gradient of k from gK: the paper's eq. (4), without an
inverse transform of the whole grid.
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
        raise NotImplementedError("the gradient of k, from ctx.E and gK")
