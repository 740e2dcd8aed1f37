"""Exercise 13: what the threshold lets through.

    y = Y where |Y| > beta, else 0        (line 16 of Algorithm 1; an entry of modulus beta is dropped)

There is one mistake in the forward and one in the backward. Mend both, and keep one bit an entry, no more.
"""

import numpy as np

import specframe as sf


class Threshold(sf.Op):
    name = "threshold"

    @staticmethod
    def forward(ctx, Y, beta):
        ctx.beta = beta
        kept = abs(Y) >= beta
        ctx.save_bits(kept=kept)
        return np.where(kept, Y, 0)

    @staticmethod
    def backward(ctx, g):
        return np.where(abs(g) > ctx.beta, g, 0)
