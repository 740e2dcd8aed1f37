"""Exercise 14: a complex threshold that shrinks.

    y = Y (1 - beta / |Y|)  where |Y| > beta,  else 0

Unlike the threshold of the paper it has no jump: what survives is moved towards 0 by beta. Derive the gradient of Y
from g, and write it *from y alone*: y is sparse, and the store keeps its survivors only.
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
        raise NotImplementedError("the gradient of Y, from y, beta and g")
