"""Exercise 22: a block with four mistakes. The solution.

From the bottom of the table of chapter 8 up:

    gZ = m rfft2(gy)           the adjoint of irfft2: a stored entry acts for its mirror image too
    where Z != 0               the zeros of the *complex* Z are the mask; a Y = 3i has passed, though its real part is 0
    gK = X^H gY                the adjoint of X: transposed and conjugated
    gx = irfft2(gX / m)        the adjoint of rfft2, a sum over the stored columns: irfft2 counts most of them twice

Two of the four hide each other: with m left out at both ends, gx is right, because no line in between mixes columns, so
that a factor of a column passes through and cancels. Only gk and gb are wrong then.
"""

import numpy as np

AXES = {"axes": (0, 1), "norm": "ortho"}


def waves(P, W, s):
    """E of chapter 4, (P, Q, s, s)."""
    p, q, i = np.arange(P), np.arange(W // 2 + 1), np.arange(s) - (s - 1) // 2
    rows, cols = np.exp(2j * np.pi * np.outer(p, i) / P), np.exp(2j * np.pi * np.outer(q, i) / W)
    return rows[:, None, :, None] * cols[None, :, None, :]


def weights(W):
    """m, (Q, 1, 1)."""
    m = np.full((W // 2 + 1, 1, 1), 2.0)
    m[0] = 1
    if W % 2 == 0:
        m[-1] = 1
    return m


def forward(x, k, b, beta, a, P, W):
    X = np.fft.rfft2(x, (P, W), **AXES)
    K = np.einsum("pqij,dcij->pqcd", waves(P, W, k.shape[-1]), k)
    Y = X @ K
    Y[0, 0] += b * np.sqrt(P * W)
    Y = np.where(abs(Y) > beta, Y, 0)
    Z = a * np.tanh(Y.real / a) + 1j * a * np.tanh(Y.imag / a)
    y = np.fft.irfft2(Z, (P, W), **AXES)
    return X, Z, y[: x.shape[0], : x.shape[1]]


def backward(gy, X, Z, k, a, P, W):
    """(gx, gk, gb)."""
    gZ = weights(W) * np.fft.rfft2(gy, (P, W), **AXES)
    gY = (1 - (Z.real / a) ** 2) * gZ.real + 1j * (1 - (Z.imag / a) ** 2) * gZ.imag
    gY = np.where(Z != 0, gY, 0)
    gb = np.sqrt(P * W) * gY[0, 0].real.sum(axis=0)
    E = waves(P, W, k.shape[-1])
    K = np.einsum("pqij,dcij->pqcd", E, k)
    gK = X.conj().swapaxes(2, 3) @ gY
    gk = np.einsum("pqij,pqcd->dcij", E.conj(), gK).real
    gX = gY @ K.conj().swapaxes(2, 3)
    gx = np.fft.irfft2(gX / weights(W), (P, W), **AXES)
    return gx[: gy.shape[0], : gy.shape[1]], gk, gb
