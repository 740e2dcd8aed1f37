"""Exercise 5: a complex gain with a real volume. The solution.

    dy = k w dz + k z dw + w z dk,        dL = Re sum conj(g) dy

Bring each term into the form Re(conj(gradient) change), with Re(conj(g) a dz) = Re(conj(conj(a) g) dz):

    gz[i, j] = conj(k w) g = k conj(w) g            k is real, its conjugate is itself
    gw[j]    = sum_i conj(k z) g = k sum_i conj(z) g
    gk[j]    = sum_i Re(conj(w z) g)                since dk is real: Re(conj(g) w z) dk

Without the conjugates, z would move along a direction that is turned by twice the angle of w: for a positive real w
nothing is wrong, for an imaginary w the loss goes up.
"""

import numpy as np

import specframe as sf


class Gain(sf.Op):
    name = "gain"

    @staticmethod
    def forward(ctx, z, w, k):
        ctx.save(z=z, w=w, k=k)
        return k * w * z

    @staticmethod
    def backward(ctx, g):
        z, w, k = (ctx[name].dense() for name in ("z", "w", "k"))
        gz = k * w.conj() * g
        gw = k * np.sum(z.conj() * g, axis=0)
        gk = np.sum((w * z).conj() * g, axis=0).real
        return gz, gw, gk
