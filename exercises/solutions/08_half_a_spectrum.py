"""Exercise 8: who counts twice. The solution.

The line is real, so Z[-q] = conj(Z[q]), and the inverse adds both:

    y[j] = 1/sqrt(n) (Z[0] + sum over 0 < q < n/2 of 2 Re(Z[q] e^(2 pi i q j / n)) + (-1)^j Re Z[n/2] for even n)

    n = 5:   0  1  2 | 3 4        3 and 4 are the mirror images of 2 and 1
    n = 6:   0  1  2  3 | 4 5     4 and 5 are those of 2 and 1; 3 is its own: -3 and 3 are the same, six points apart

So m is 1 for q = 0, and for q = n/2 where n is even, and 2 for all others. The adjoint keeps the factors: a term
2 Re(Z c) contributes 2 conj(c) g to gZ, and the sum over j of conj(c) g is what rfft computes.

What about the imaginary parts of Z[0] and Z[n/2]? They do not enter y, so their gradient must be 0; and it is, because
rfft of a real line is real there.
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
        gZ[1 : (ctx.n + 1) // 2] *= 2
        return gZ
