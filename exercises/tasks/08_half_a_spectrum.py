"""Exercise 8: who counts twice.

    Z (n // 2 + 1, ...) half a spectrum        y (n, ...) = irfft(Z), real, along the first axis, in the ortho norm

The gradient is gZ = m rfft(g), where m says how often a stored entry stands in the whole spectrum. For odd n this rule
is right. Mend it for even n. How long a line is cannot be told from Z: that is why n has to be known.
"""

import numpy as np

import specframe as sf


class IRFFT(sf.Op):
    name = "irfft"

    @staticmethod
    def forward(ctx, Z, n):
        ctx.n = n
        return np.fft.irfft(Z, n, axis=0, norm="ortho")

    @staticmethod
    def backward(ctx, g):
        gZ = np.fft.rfft(g, axis=0, norm="ortho")
        gZ[1:] *= 2
        return gZ
