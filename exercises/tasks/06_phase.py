"""Exercise 6: the phase alone.

    y = z / |z|            complex, of modulus 1

It has no complex derivative: to move z outwards does nothing, to move it sideways turns y. Derive the gradient of z
from g = dL/dRe y + i dL/dIm y and write it. No entry of z is 0.
"""

import specframe as sf


class Phase(sf.Op):
    name = "phase"

    @staticmethod
    def forward(ctx, z):
        ctx.save(z=z)
        return z / abs(z)

    @staticmethod
    def backward(ctx, g):
        z = ctx["z"].dense()
        raise NotImplementedError("the gradient of z, from z and g")
