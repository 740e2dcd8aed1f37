"""Exercise 7: the gradient of the FFT is not the FFT. The solution.

y = F z with F[p, j] = exp(-2 pi i p j / n). A linear op is differentiated by its adjoint, the conjugate transpose:

    gz[j] = sum_p conj(F[p, j]) g[p] = sum_p exp(+2 pi i p j / n) g[p]

The sign in the exponent is that of the inverse transform, and ifft divides by n, so gz = n ifft(g).

F is symmetric, F^T = F: in the other convention, whose rule is the plain transpose, the saying is true. And a loss that
sums all of y does not see the difference: g is 1 everywhere, and F 1 = F^H 1, a spike at 0. Check with random g.
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
        return len(g) * np.fft.ifft(g, axis=0)
