"""Exercise 10: eq. (3) as printed. The solution.

    dY = dX K + X dK

    Re tr(gY^H dX K) = Re tr((gY K^H)^H dX)        gX = gY K^H
    Re tr(gY^H X dK) = Re tr((X^H gY)^H dK)        gK = X^H gY

The adjoint is the transpose of the *conjugate*. With one number each, Y = X i: if gY = 1, the loss grows when the real
part of Y does, and since Re(X i) = -Im X, when Im X falls: gX = -i = conj(i), and not i.

In space, the transpose alone would convolve with the kernel instead of its mirror image, so that the gradient lands on
the wrong side of each pixel. A symmetric kernel has a real spectrum and does not notice.
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
        gX = gY @ K.swapaxes(-1, -2).conj()
        gK = X.swapaxes(-1, -2).conj() @ gY
        return gX, gK
