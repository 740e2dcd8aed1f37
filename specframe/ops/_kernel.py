"""The spectrum of a small kernel on a large grid, and its adjoint, as products with a DFT matrix.

    K[p, q] = sum over i, j of E[(p, q), (i, j)] k[i, j]      E = exp(+2 pi i (p (i - c) / P + q (j - c) / W))
    gk      = Re(E^H gK)

The sign is that of cross-correlation and c = (k - 1) // 2 centres the kernel, so that the product X K is the "same"
convolution, cropped by [:rows, :cols]. There is no factor: K is not ortho, so Y = X K needs none. The adjoint gives
just the k x k entries that eq. (4) keeps, without a full inverse FFT.

    k, gk  (c_out, c_in, k, k) real      K, gK  (P, Q, c_in, c_out) complex      E  (2, P, Q, k * k)

E is held as its real and its imaginary plane, since k is real: E k is two real products. Any of its frequencies will
do: with E[:, p, q] in its place, K and gK are those at (p, q).
"""

import math

import numpy as np

from specframe.backend import constant


def angles(grid, k):
    """2 pi (p (i - c) / P + q (j - c) / W), (P, Q, k * k) on the host."""
    (P, W), offset = grid, np.arange(k) - (k - 1) // 2
    by_rows = np.outer(np.arange(P), offset) / P
    by_cols = np.outer(np.arange(W // 2 + 1), offset) / W
    return 2 * np.pi * (by_rows[:, None, :, None] + by_cols[None, :, None, :]).reshape(P, W // 2 + 1, k * k)


@constant
def matrix(b, grid, k, real):
    """E, on the device of `b`."""
    angle = angles(grid, k)
    return b.asarray(np.stack([np.cos(angle), np.sin(angle)]).astype(real))


def spectrum_of(xp, E, weight):
    """K = E k."""
    c_out, c_in, k, _ = weight.shape
    columns = xp.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(k * k, c_in * c_out)
    re, im = xp.matmul(E.reshape(2, -1, k * k), columns)
    K = xp.empty(re.shape, np.result_type(weight.dtype, np.complex64))
    K.real, K.imag = re, im
    return K.reshape(*E.shape[1:-1], c_in, c_out)


def adjoint(xp, E, gK):
    """gk = Re(E^H gK)."""
    c_in, c_out = gK.shape[-2:]
    k, gK = math.isqrt(E.shape[-1]), gK.reshape(-1, c_in * c_out)
    re, im = E.reshape(2, -1, k * k)
    gk = xp.matmul(re.T, gK.real) + xp.matmul(im.T, gK.imag)
    return xp.ascontiguousarray(gk.reshape(k, k, c_in, c_out).transpose(3, 2, 0, 1))
