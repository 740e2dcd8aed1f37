"""Exercise 15: a tanh that is not that of a complex number. The solution.

Re Z = a tanh(Re Y / a) depends on Re Y only, and has the slope

    a (1 - tanh^2(Re Y / a)) (1 / a) = 1 - (Re Z / a)^2,

since the a outside and the 1 / a inside cancel; the same for the imaginary part. On the pair (dRe Y, dIm Y) the op is a
diagonal matrix of two real numbers, and its transpose is itself:

    gY = (1 - (Re Z / a)^2) Re g + i (1 - (Im Z / a)^2) Im g                                       eq. (9)

(1 - Z^2) g would rotate g by the angle of 1 - Z^2. This function never rotates: it stretches along the two axes.
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
        return (1 - (Z.real / a) ** 2) * g.real + 1j * (1 - (Z.imag / a) ** 2) * g.imag
