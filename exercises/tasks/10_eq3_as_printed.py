"""Exercise 10: eq. (3) as printed.

    X (P, Q, batch, c_in)    K (P, Q, c_in, c_out)    Y[p, q] = X[p, q] K[p, q], a matrix product at every frequency

The paper prints eq. (3) as gX = gY K, gK = gY X, and this rule follows it: the right shapes, and wrong. Mend both.
"""

import specframe as sf


class SpectralProduct(sf.Op):
    name = "spectral_product"

    @staticmethod
    def forward(ctx, X, K):
        ctx.save(X=X, K=K)
        return X @ K

    @staticmethod
    def backward(ctx, gY):
        X, K = ctx["X"].dense(), ctx["K"].dense()
        gX = gY @ K.swapaxes(-1, -2)
        gK = X.swapaxes(-1, -2) @ gY
        return gX, gK
