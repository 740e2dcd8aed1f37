"""Exercise 18: the mean and the deviation move, too. The solution.

One channel, M entries. With gh = gamma g:

    dh = (dx - dmu) / s - (x - mu) ds / s^2 = (dx - dmu - h ds) / s

    dmu = mean(dx)        s^2 = mean((x - mu)^2) + eps,   s ds = mean((x - mu) dx),   ds = mean(h dx)

(In d(s^2) the term with dmu is mean(x - mu) dmu = 0.) Put together,

    dL = sum gh dh = 1/s (sum gh dx - sum gh mean(dx) - sum gh h mean(h dx))
       = 1/s sum (gh - mean(gh) - h mean(gh h)) dx

since sum(a) mean(b dx) = sum over all entries of mean(a) b dx. So gx = gamma / s (g - mean(g) - h mean(g h)): the part
along the constant map and the part along h are taken off, the two directions in which y cannot move.
"""

import numpy as np

import specframe as sf

OVER = (0, 1, 2)


class BatchNorm(sf.Op):
    name = "batch_norm"

    @staticmethod
    def forward(ctx, x, gamma, beta):
        ctx.s = np.sqrt(x.var(axis=OVER) + 1e-5)
        h = (x - x.mean(axis=OVER)) / ctx.s
        ctx.save(h=h, gamma=gamma)
        return gamma * h + beta

    @staticmethod
    def backward(ctx, g):
        h, gamma, s = ctx["h"].dense(), ctx["gamma"].dense(), ctx.s
        gx = gamma / s * (g - g.mean(axis=OVER) - h * (g * h).mean(axis=OVER))
        return gx, (g * h).sum(axis=OVER), g.sum(axis=OVER)
