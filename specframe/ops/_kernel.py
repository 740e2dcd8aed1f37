"""The spectrum of a small kernel on a large grid, and its adjoint, as products with a DFT matrix.

    K[p, q] = sum_{i, j} E[(p, q), (i, j)] k[i, j]        E = exp(+2 pi i (p (i - c) / P + q (j - c) / W))
    gk      = Re(E^H gK)

The sign is that of cross-correlation and c = (k - 1) // 2 centres the kernel, so that the product X K is the "same"
convolution, cropped by [:rows, :cols]. There is no factor: K is not ortho, so Y = X K needs none. The adjoint gives
just the k x k entries that eq. (4) keeps, without a full inverse FFT. E[rows] serves a subset of the frequencies.

    weight (c_out, c_in, k, k)        K, gK (frequencies, c_in, c_out)
"""

import functools

import numpy as np


@functools.lru_cache(maxsize=32)
def _matrix(b, grid, k, real):
    """E as two real planes (2, P * Q, k * k)."""
    (P, W), offset = grid, np.arange(k) - (k - 1) // 2
    by_rows = np.outer(np.arange(P), offset) / P
    by_cols = np.outer(np.arange(W // 2 + 1), offset) / W
    angle = 2 * np.pi * (by_rows[:, None, :, None] + by_cols[None, :, None, :]).reshape(-1, k * k)
    return b.asarray(np.stack([np.cos(angle), np.sin(angle)]).astype(real))


def _planes(b, grid, k, real, rows):
    E = _matrix(b, grid, k, np.dtype(real))
    return E if rows is None else E[:, rows]


def spectrum_of(b, weight, grid, rows=None):
    """K at all frequencies (P * Q of them), or at those in `rows`."""
    xp, (c_out, c_in, k, _) = b.xp, weight.shape
    E = _planes(b, grid, k, weight.dtype, rows)
    # (c_out, c_in, k, k) -> (k * k, c_in * c_out), one small product for both planes
    parts = xp.matmul(E, xp.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(k * k, -1))
    K = xp.empty(parts.shape[1:], np.result_type(weight.dtype, np.complex64))
    K.real, K.imag = parts[0], parts[1]
    return K.reshape(-1, c_in, c_out)


def adjoint(b, gK, k, grid, rows=None):
    """gk (c_out, c_in, k, k) = Re(E^H gK), real."""
    xp, (_, c_in, c_out) = b.xp, gK.shape
    real = np.float32 if gK.dtype == np.complex64 else np.float64
    E = _planes(b, grid, k, real, rows)
    flat = gK.reshape(gK.shape[0], c_in * c_out)
    gk = xp.matmul(E[0].T, flat.real) + xp.matmul(E[1].T, flat.imag)
    return xp.ascontiguousarray(gk.reshape(k, k, c_in, c_out).transpose(3, 2, 0, 1))
