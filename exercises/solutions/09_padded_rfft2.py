"""Exercise 9: rfft2 with padding, and without the ortho norm. The solution.

x is real, so by the rule for real numbers in complex formulas

    gx[i, j] = Re sum_(p, q stored) exp(+2 pi i (p i / P + q j / W)) gX[p, q]                       (*)

The sum has only the Q stored columns. Now compare with what irfft2 computes of some H (chapter 3):

    irfft2(H)[i, j] = 1/(P W) Re sum_(p, q stored) m[q] exp(+2 pi i (p i / P + q j / W)) H[p, q]

where m[q] is 2 for the columns that stand for their mirror image too, and 1 for column 0 and, if W is even, column W/2.
Both agree for H = P W gX / m. So gx = P W irfft2(gX / m).

Rows and columns of the padding: the forward puts zeros there, whatever x is, so they are cut off. (Pad and crop are
each other's adjoint.) The grid has to be given to irfft2: from Q alone it would take W to be even.
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
        m = np.full((W // 2 + 1, 1, 1), 2.0)
        m[0] = 1
        if W % 2 == 0:
            m[-1] = 1
        return P * W * np.fft.irfft2(gX / m, (P, W), axes=(0, 1))[:rows, :cols]
