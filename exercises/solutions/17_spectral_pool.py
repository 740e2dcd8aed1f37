"""Exercise 17: pooling by cutting off high frequencies. The solution.

y = C x with C = (irfft2 on h x w) (crop) (rfft2 on P x W). The adjoint takes the adjoints in the other order (chapter
3):

    irfft2 on h x w      gZ = m_w rfft2(gy)                       m_w = 1, 2, 2, ..., 2      since w is odd
    crop                 gX = gZ at the kept rows and columns, 0 elsewhere
    rfft2 on P x W       gx = irfft2(gX / m_W)                    m_W = 1, 2, 2, ..., and 1 in column W/2 of an even W

Of the columns of gX only 0 .. w//2 are not zero, and w//2 < W/2: column W/2 is never among them. So on all columns that
matter m_W = m_w, and the two cancel:

    gx = irfft2(pad(rfft2(gy)))

The backward of spectral pooling is spectral interpolation: gy, drawn on the large grid with the same waves. In the
ortho norm no factor is left over either: pad is the adjoint of crop, and the transforms are each other's.
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
        low = np.arange(-(h // 2), h // 2 + 1)
        gX = np.zeros((P, W // 2 + 1, *g.shape[2:]), complex)
        gX[low, : w // 2 + 1] = np.fft.rfft2(g, axes=(0, 1), norm="ortho")[low]
        return np.fft.irfft2(gX, (P, W), axes=(0, 1), norm="ortho")
