"""Exercise 27: the loss of a classifier. The solution.

For one row, L = log(sum_j exp(x_j)) - x_t, and so dL/dx_i = exp(x_i) / sum_j exp(x_j) - [i = t] = p_i - [i = t]. The
loss of the batch is the mean, so each row's gradient is divided by their number, and multiplied by gL.

p does not change when the same number is taken off all logits of a row, because numerator and denominator shrink by the
same factor. With the largest taken off, the largest exponent is 0: nothing overflows, and the sum is 1 at least. The
loss is log(sum) - x_t of the shifted logits; log(p) would be log(0) where p_t has underflowed, as at x = 1000, 0, -1000
with the label 1: the loss is 1000 there, not infinite.
"""

import numpy as np

import specframe as sf


class CrossEntropy(sf.Op):
    name = "cross_entropy"

    @staticmethod
    def forward(ctx, x, labels):
        shifted = x - x.max(axis=1, keepdims=True)
        p = np.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        ctx.labels = labels
        ctx.save(p=p / total)
        return np.asarray(np.mean(np.log(total[:, 0]) - shifted[np.arange(len(x)), labels]))

    @staticmethod
    def backward(ctx, gL):
        gx = ctx["p"].dense().copy()
        gx[np.arange(len(gx)), ctx.labels] -= 1
        return gx * (gL / len(gx))
