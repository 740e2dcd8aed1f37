"""Exercise 13: what the threshold lets through. The solution.

Around an entry with |Y| > beta the op is y = Y, so gY = g; around one with |Y| < beta it is y = 0, so gY = 0. Both are
linear in dY, whatever Y is, and the mask of the forward decides. The size of g has nothing to do with it: a small
gradient is as much a gradient as a large one.

On the circle |Y| = beta there is a jump and no derivative. The paper's line 16 keeps |Y| > beta, so such an entry is
dropped; the same mask in the backward gives it the gradient 0.
"""

import numpy as np

import specframe as sf


class Threshold(sf.Op):
    name = "threshold"

    @staticmethod
    def forward(ctx, Y, beta):
        kept = abs(Y) > beta
        ctx.save_bits(kept=kept)
        return np.where(kept, Y, 0)

    @staticmethod
    def backward(ctx, g):
        return np.where(ctx["kept"].dense(), g, 0)
