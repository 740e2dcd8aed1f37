"""Exercise 9: rfft2 with padding, and without the ortho norm.

    x (rows, cols, batch, channels) real        X (P, Q, batch, channels) complex, Q = W // 2 + 1

    X[p, q] = sum_ij x[i, j] exp(-2 pi i (p i / P + q j / W))

x is smaller than the grid P x W: NumPy pads it with zeros. There is no factor in front (norm "backward"). Derive the
gradient of x and write it, for odd and even grids, with the help of np.fft.irfft2. It has the shape and dtype of x.
"""

import numpy as np

import specframe as sf


class PaddedRFFT2(sf.Op):
    name = "padded_rfft2"

    @staticmethod
    def forward(ctx, x, grid):
        ctx.size, ctx.grid = x.shape[:2], grid
        return np.fft.rfft2(x, grid, axes=(0, 1))

    @staticmethod
    def backward(ctx, gX):
        (rows, cols), (P, W) = ctx.size, ctx.grid
        raise NotImplementedError("the gradient of x, from gX and the two sizes")
