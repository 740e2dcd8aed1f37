"""Exercise 14: a complex threshold that shrinks. The solution.

Inside the circle y = 0, and gY = 0. Outside, with Y = r u, |u| = 1:

    y = Y - beta u,        dy = dY - beta du,        du = (dY - u Re(conj(u) dY)) / r        (exercise 6)

    dy = (1 - beta / r) dY + (beta / r) u Re(conj(u) dY)

Into dL = Re(conj(g) dy). The second term is Re(conj(g) u) Re(conj(u) dY), a real number times a real part, so

    gY = (1 - beta / r) g + (beta / r) u Re(conj(u) g).

Two directions, two slopes. For g along u, conj(u) g is real and gY = g: radially the op only shifts, slope 1. For g
across u, the real part is 0 and gY = (1 - beta / r) g: the circle has become smaller by that factor, and so have its
arcs.

From y alone: y has the direction u and the modulus r - beta, so u = y / |y|, r = |y| + beta. Where y = 0 there is no
u, and the gradient is 0.
"""

import numpy as np

import specframe as sf


class Shrink(sf.Op):
    name = "shrink"

    @staticmethod
    def forward(ctx, Y, beta):
        ctx.beta = beta
        r = abs(Y)
        y = np.where(r > beta, Y * (1 - beta / np.where(r > beta, r, 1)), 0)
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, g):
        y, beta = ctx["y"].dense(), ctx.beta
        kept = y != 0
        size = np.where(kept, abs(y), 1)
        u, share = y / size, beta / (size + beta)
        return np.where(kept, (1 - share) * g + share * u * (u.conj() * g).real, 0)
