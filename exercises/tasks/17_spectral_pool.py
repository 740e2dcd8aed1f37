"""Exercise 17: pooling by cutting off high frequencies.

    x (P, W, batch, channels) real  ->  y (h, w, batch, channels) real,  h <= P and w <= W odd

    X = rfft2(x),   Z = the rows -h//2 .. h//2 and the columns 0 .. w//2 of X,   y = irfft2(Z) on h x w points,

both transforms in the ortho norm. (Odd sizes spare you the bin that is its own mirror image.) Derive the gradient of x
and write it. It has a beautiful form; the check accepts any that is right.
"""

import numpy as np

import specframe as sf


class SpectralPool(sf.Op):
    name = "spectral_pool"

    @staticmethod
    def forward(ctx, x, size):
        (P, W), (h, w) = x.shape[:2], size
        ctx.grid, ctx.size = (P, W), size
        rows = np.arange(-(h // 2), h // 2 + 1) % P  # where the low frequencies lie in X
        Z = np.zeros((h, w // 2 + 1, *x.shape[2:]), complex)
        Z[np.arange(-(h // 2), h // 2 + 1)] = np.fft.rfft2(x, axes=(0, 1), norm="ortho")[rows, : w // 2 + 1]
        return np.fft.irfft2(Z, (h, w), axes=(0, 1), norm="ortho")

    @staticmethod
    def backward(ctx, g):
        (P, W), (h, w) = ctx.grid, ctx.size
        raise NotImplementedError("the gradient of x, from g and the two sizes")
