"""Exercise 7: the gradient of the FFT is not the FFT.

    y[p] = sum_j z[j] exp(-2 pi i p j / n)            along the first axis, without a factor: NumPy's fft

You may have read that "the gradient of the FFT is the FFT". In the convention of this book it is not. Mend the rule.
"""

import numpy as np

import specframe as sf


class FFT(sf.Op):
    name = "fft"

    @staticmethod
    def forward(ctx, z):
        return np.fft.fft(z, axis=0)

    @staticmethod
    def backward(ctx, g):
        return np.fft.fft(g, axis=0)
