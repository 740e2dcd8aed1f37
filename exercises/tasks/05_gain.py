"""Exercise 5: a complex gain with a real volume.

    z (rows, cols) complex    w (cols,) complex    k (cols,) real        y[i, j] = k[j] w[j] z[i, j]

Three gradients, two of them wrong. Mend them. (g is dL/dRe + i dL/dIm, as everywhere here.)
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
        gz = k * w * g
        gw = k * np.sum(z.conj() * g, axis=0)
        gk = np.sum(w * z * g, axis=0).real
        return gz, gw, gk
