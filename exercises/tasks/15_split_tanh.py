"""Exercise 15: a tanh that is not that of a complex number.

    Z = a tanh(Re Y / a) + i a tanh(Im Y / a)

The rule below would be right for a real Y and a = 1. Mend it for complex Y and any a > 0, from Z alone.
"""

import numpy as np

import specframe as sf


class SplitTanh(sf.Op):
    name = "split_tanh"

    @staticmethod
    def forward(ctx, Y, a):
        ctx.a = a
        Z = a * np.tanh(Y.real / a) + 1j * a * np.tanh(Y.imag / a)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, g):
        Z, a = ctx["Z"].dense(), ctx.a
        return (1 - Z * Z) * g
