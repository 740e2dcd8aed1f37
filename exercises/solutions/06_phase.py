"""Exercise 6: the phase alone. The solution.

With r = |z| and u = z / r:    dr = Re(conj(u) dz),    and u = z / r gives

    du = dz / r - z dr / r^2 = (dz - u Re(conj(u) dz)) / r.

Put it into dL = Re(conj(g) du):

    dL = (Re(conj(g) dz) - Re(conj(g) u) Re(conj(u) dz)) / r

The factor Re(conj(g) u) is a real number, so it may go inside the other real part, Re(c conj(u) dz) = Re(conj(c u) dz):

    gz = (g - u Re(conj(u) g)) / r

In words: take from g its part along u, since moving outwards does nothing, and divide the rest by r, since far away
from 0 a step turns less. The same with one product: conj(u) g = a + ib, of which the a is taken off, gz = i u b / r.
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
        u = z / abs(z)
        return (g - u * (u.conj() * g).real) / abs(z)
