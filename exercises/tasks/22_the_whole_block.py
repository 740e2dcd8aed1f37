"""Exercise 22: a block with four mistakes.

The spectral block of chapter 8 in plain NumPy, forward and backward. The forward is right. In the backward four lines
are wrong. Find them.

    x (rows, cols, batch, c_in)    k (c_out, c_in, s, s)    b (c_out,)    X, Z (P, Q, batch, channels)
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
    gZ = np.fft.rfft2(gy, (P, W), **AXES)
    gY = (1 - (Z.real / a) ** 2) * gZ.real + 1j * (1 - (Z.imag / a) ** 2) * gZ.imag
    gY = np.where(Z.real != 0, gY, 0)
    gb = np.sqrt(P * W) * gY[0, 0].real.sum(axis=0)
    E = waves(P, W, k.shape[-1])
    K = np.einsum("pqij,dcij->pqcd", E, k)
    gK = X.swapaxes(2, 3) @ gY
    gk = np.einsum("pqij,pqcd->dcij", E.conj(), gK).real
    gX = gY @ K.conj().swapaxes(2, 3)
    gx = np.fft.irfft2(gX, (P, W), **AXES)
    return gx[: gy.shape[0], : gy.shape[1]], gk, gb
