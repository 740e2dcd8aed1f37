"""The half-spectrum Fourier transform of real maps and its adjoint, by products with the DFT matrices.

With grid P x W, F[p, q; r, c] = exp(-2 pi i (p r / P + q c / W)), and w the column weights (m or 1):

    analysis    X[p, q] = scale * w[q] * sum_{r, c} F[p, q; r, c] x[r, c]             (rows, cols, ...) -> (P, Q, ...)
    synthesis   x[r, c] = scale * Re sum_{p, q} w[q] conj(F[p, q; r, c]) X[p, q]      (P, Q, ...) -> (rows, cols, ...)

They are each other's adjoint under Re(sum(conj(a) b)). rfft2 is analysis with w = 1, irfft2 synthesis with w = m: the
adjoint of either is the other function with the same w.

For grids up to some 60 points a side, matrix products run so much faster than FFTs on a CPU that the extra arithmetic
is repaid, and frequencies outside `active`, rows and columns of padding, and everything that a crop would cut away are
never computed (benchmarks/dft.py).

Complex arrays are split into real and imaginary planes, so that every product is a real one and none of its output is
thrown away. Along the rows, frequencies p and -p share their cosines and sines, which halves the arithmetic:

    sum_p exp(i t_p r) X[p]  =  sum over p = 0 .. P/2 of  cos(t_p r) (X[p] + X[-p]) + sin(t_p r) i (X[p] - X[-p])

with half of the cosine where p = -p. H counts the pairs, N = batch * channels, or a slab of it: the maps are
transformed some at a time, so that the temporaries stay small.
"""

import functools
import math

import numpy as np

from specframe.spectrum import column_weights

SLAB_BYTES = 1 << 20  # temporaries of the products at a time: about a core's second-level cache, and a low peak


@functools.lru_cache(maxsize=64)
def _row_matrix(P, rows, halved, dtype):
    """(rows, 2, P//2 + 1): cos and sin of 2 pi p r / P; `halved` halves them where p = -p."""
    pairs = np.arange(P // 2 + 1)
    angle = 2 * np.pi / P * (np.outer(np.arange(rows), pairs) % P)
    factor = np.where(halved & (2 * pairs % P == 0), 0.5, 1.0)
    return np.stack([np.cos(angle) * factor, np.sin(angle)], 1).astype(dtype)


@functools.lru_cache(maxsize=64)
def _column_matrix(W, cols, scale, weighted, dtype):
    """(cols, 2, Q): Re(exp(2 pi i q c / W) (a + i b)) as factors of a and b, times scale and weights."""
    angle = 2 * np.pi / W * (np.outer(np.arange(cols), np.arange(W // 2 + 1)) % W)
    factor = scale * (column_weights(W) if weighted else 1.0)
    return (np.stack([np.cos(angle), -np.sin(angle)], 1) * factor).astype(dtype)


def _box(grid, active):
    """(p, -p, q): the pairs of rows and the columns that hold active frequencies."""
    p = np.arange(grid[0] // 2 + 1)
    if active is None:
        return p, -p, np.arange(grid[1] // 2 + 1)
    filled = active.any(axis=1)
    p = p[filled[p] | filled[-p]]
    return p, -p, np.flatnonzero(active.any(axis=0))


def _slabs(n, bytes_each):
    """Slices of the batch * channels axis whose temporaries together stay within SLAB_BYTES."""
    pieces = max(1, -(-n * bytes_each // SLAB_BYTES))
    width = max(1, -(-n // pieces))
    return [slice(start, min(start + width, n)) for start in range(0, n, width)]


def analysis(x, grid, scale, weighted=False, active=None):
    """X from x; zero outside `active` (bool (P, Q), None for everywhere)."""
    (rows, cols), tail = x.shape[:2], x.shape[2:]
    p, minus_p, q = _box(grid, active)
    by_cols = _column_matrix(grid[1], cols, scale, weighted, x.dtype)[:, :, q].reshape(cols, -1)
    by_rows = _row_matrix(grid[0], rows, False, x.dtype)[:, :, p].reshape(rows, -1)
    x = x.reshape(rows, cols, math.prod(tail))
    X = (np.empty if active is None else np.zeros)((grid[0], grid[1] // 2 + 1, x.shape[2]), _complex(x.dtype))
    at = slice(None) if active is None else q
    for slab in _slabs(x.shape[2], (rows + 4 * len(p)) * 2 * len(q) * x.itemsize):
        lines = np.matmul(by_cols.T, x[:, :, slab])  # (rows, 2 * Q', N)
        n = lines.shape[2]
        parts = np.matmul(by_rows.T, lines.reshape(rows, 2 * len(q) * n)).reshape(2, len(p), 2, len(q), n)
        (cos_re, cos_im), (sin_re, sin_im) = parts[0].swapaxes(0, 1), parts[1].swapaxes(0, 1)  # each (H, Q', N)
        half = np.empty(cos_re.shape, X.dtype)
        np.subtract(cos_re, sin_im, out=half.real)
        np.add(cos_im, sin_re, out=half.imag)
        _put(X[:, :, slab], minus_p, at, half)
        np.add(cos_re, sin_im, out=half.real)
        np.subtract(cos_im, sin_re, out=half.imag)
        _put(X[:, :, slab], p, at, half)
    if active is not None:
        X[~active] = 0  # the box is larger than what is active in it
    return X.reshape(*X.shape[:2], *tail)


def synthesis(X, grid, size, scale, weighted=False, active=None):
    """x, cropped to `size`, from X, which must be zero outside `active`."""
    (rows, cols), tail = size, X.shape[2:]
    p, minus_p, q = _box(grid, active)
    X = X.reshape(*X.shape[:2], math.prod(tail))
    real = X.real.dtype
    by_rows = _row_matrix(grid[0], rows, True, real)[:, :, p].reshape(rows, -1)
    by_cols = _column_matrix(grid[1], cols, scale, weighted, real)[:, :, q].reshape(cols, -1)
    at = slice(None) if active is None else q
    x = np.empty((rows, cols, X.shape[2]), real)
    for slab in _slabs(X.shape[2], (rows + 6 * len(p)) * 2 * len(q) * real.itemsize):
        plus, minus = _pick(X[:, :, slab], p, at), _pick(X[:, :, slab], minus_p, at)  # (H, Q', N)
        parts = np.empty((2, len(p), 2, *plus.shape[1:]), real)
        np.add(plus.real, minus.real, out=parts[0, :, 0])
        np.add(plus.imag, minus.imag, out=parts[0, :, 1])
        np.subtract(minus.imag, plus.imag, out=parts[1, :, 0])
        np.subtract(plus.real, minus.real, out=parts[1, :, 1])
        n = plus.shape[2]
        lines = np.matmul(by_rows, parts.reshape(2 * len(p), 2 * len(q) * n)).reshape(rows, 2 * len(q), n)
        x[:, :, slab] = np.matmul(by_cols, lines)  # (rows, cols, N)
    return x.reshape(rows, cols, *tail)


def _complex(real):
    return np.result_type(real, np.complex64)


def _pick(X, p, q):
    """X[p, q] as an outer selection; q may be slice(None)."""
    return X[p] if isinstance(q, slice) else X[p[:, None], q]


def _put(X, p, q, values):
    """X[p, q] = values, the same way."""
    if isinstance(q, slice):
        X[p] = values
    else:
        X[p[:, None], q] = values
