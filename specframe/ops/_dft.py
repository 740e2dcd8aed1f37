"""The half-spectrum Fourier transform of real maps and its adjoint, on plain arrays.

With grid P x W, F[p, q; r, c] = exp(-2 pi i (p r / P + q c / W)), and w the column weights (m or 1):

    analysis    X[p, q] = scale * w[q] * sum_{r, c} F[p, q; r, c] x[r, c]                 (rows, cols, ...) -> (P, Q, ...)
    synthesis   x[r, c] = scale * Re sum_{p, q} w[q] conj(F[p, q; r, c]) X[p, q]          (P, Q, ...) -> (rows, cols, ...)

They are each other's adjoint under Re(sum(conj(a) b)). rfft2 is analysis with w = 1, irfft2 synthesis with w = m: the
adjoint of either is the other function with the same w.

Two bodies compute them. `_by_fft` calls the library. `_by_products` multiplies by the DFT matrices of the rows and of
the columns: for grids up to some 70 points a side, matrix products run so much faster than FFTs on a CPU that the
extra arithmetic is repaid, and frequencies outside `active`, rows and columns of padding, and everything that a crop
would cut away are never computed (benchmarks/dft.py). Both are tested against direct sums.
"""

import functools
import math

import numpy as np

from specframe import backend
from specframe.spectrum import column_weights

PRODUCTS_UP_TO = 72  # grid points a side; above, the FFT is faster (benchmarks/dft.py)


def transform_scales(grid, norm):
    """(scale of rfft2, scale of irfft2) in this norm."""
    points = grid[0] * grid[1]
    return (1 / math.sqrt(points),) * 2 if norm == "ortho" else (1.0, 1.0 / points)


def analysis(x, grid, scale, weighted=False, active=None):
    """X from x; zero outside `active` (bool (P, Q) on the host, None for everywhere)."""
    b = backend.of("analysis", x)
    return (_analysis_by_products if _use_products(b, grid) else _analysis_by_fft)(b, x, grid, scale, weighted, active)


def synthesis(X, grid, size, scale, weighted=False, active=None):
    """x, cropped to `size`, from X; X must be zero outside `active`."""
    b = backend.of("synthesis", X)
    body = _synthesis_by_products if _use_products(b, grid) else _synthesis_by_fft
    return body(b, X, grid, size, scale, weighted, active)


def _use_products(b, grid):
    return not b.asynchronous and max(grid) <= PRODUCTS_UP_TO


# ---- the library's FFT ------------------------------------------------------------------------------------------


def _analysis_by_fft(b, x, grid, scale, weighted, active):
    X = b.rfft2(x, grid, "backward")
    factor = scale * column_weights(grid[1]) if weighted else np.full(grid[1] // 2 + 1, scale)
    X *= b.asarray(factor.astype(x.dtype)[:, None, None])
    return X


def _synthesis_by_fft(b, X, grid, size, scale, weighted, active):
    # The library's inverse applies m; without weights it has to be taken out first.
    m = column_weights(grid[1])
    factor = np.full(m.shape, scale) if weighted else scale / m
    real = np.float32 if X.dtype == np.complex64 else np.float64
    x = b.irfft2(X * b.asarray(factor.astype(real)[:, None, None]), grid, "forward")
    return b.xp.ascontiguousarray(x[: size[0], : size[1]])


# ---- products with the DFT matrices -----------------------------------------------------------------------------
#
# Complex arrays are split into real and imaginary planes, so that every product is a real one and none of its output
# is thrown away. `planes` stands for the axis of length 2 that holds (real, imaginary).


@functools.lru_cache(maxsize=64)
def _row_matrix(P, rows, dtype):
    """exp(+2 pi i p r / P) as a real matrix (rows, planes out, planes in, P)."""
    angle = 2 * np.pi / P * (np.outer(np.arange(rows), np.arange(P)) % P)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1).astype(dtype)


@functools.lru_cache(maxsize=64)
def _column_matrix(W, cols, scale, weighted, dtype):
    """Re(exp(+2 pi i q c / W) (a + i b)) as a real matrix (cols, planes, Q), times scale and weights."""
    angle = 2 * np.pi / W * (np.outer(np.arange(cols), np.arange(W // 2 + 1)) % W)
    factor = scale * (column_weights(W) if weighted else 1.0)
    return (np.stack([np.cos(angle), -np.sin(angle)], 1) * factor).astype(dtype)


def _box(grid, active):
    """Indices of the rows p and of the columns q that hold active frequencies; slices where that is all of them."""
    if active is None:
        return slice(None), slice(None)
    p, q = active.any(axis=1), active.any(axis=0)
    return (slice(None) if p.all() else np.flatnonzero(p)), (slice(None) if q.all() else np.flatnonzero(q))


def _pick(array, p, q):
    """array[p, q] as an outer selection."""
    return array[p][:, q] if isinstance(p, slice) or isinstance(q, slice) else array[p[:, None], q]


def _analysis_by_products(b, x, grid, scale, weighted, active):
    xp, (rows, cols), tail = b.xp, x.shape[:2], x.shape[2:]
    p, q = _box(grid, active)
    by_cols = _column_matrix(grid[1], cols, scale, weighted, x.dtype)[:, :, q].reshape(cols, -1)
    by_rows = _row_matrix(grid[0], rows, x.dtype)[..., p].reshape(2 * rows, -1)
    lines = xp.matmul(by_cols.T, x.reshape(rows, cols, -1))  # (rows, planes * Q', N)
    half = xp.matmul(by_rows.T, lines.reshape(2 * rows, -1))  # (planes * P', Q' * N)
    count_q = by_cols.shape[1] // 2
    half = half.reshape(2, -1, count_q, lines.shape[-1])
    X = xp.empty(half.shape[1:], np.result_type(x.dtype, np.complex64))
    X.real, X.imag = half[0], half[1]
    if not (isinstance(p, slice) and isinstance(q, slice)):
        inside, X = X, xp.zeros((grid[0], grid[1] // 2 + 1, X.shape[-1]), X.dtype)
        X[_outer(p, grid[0]), _outer(q, grid[1] // 2 + 1, last=True)] = inside
    return X.reshape(*X.shape[:2], *tail)


def _outer(index, count, last=False):
    index = np.arange(count) if isinstance(index, slice) else index
    return index if last else index[:, None]


def _synthesis_by_products(b, X, grid, size, scale, weighted, active):
    xp, (rows, cols), tail = b.xp, size, X.shape[2:]
    p, q = _box(grid, active)
    real = np.float32 if X.dtype == np.complex64 else np.float64
    inside = _pick(X.reshape(*X.shape[:2], -1), p, q)
    count_p, count_q, n = inside.shape
    planes = xp.empty((2, count_p, count_q * n), real)
    planes[0], planes[1] = inside.real.reshape(count_p, -1), inside.imag.reshape(count_p, -1)
    by_rows = _row_matrix(grid[0], rows, np.dtype(real))[..., p].reshape(2 * rows, -1)
    by_cols = _column_matrix(grid[1], cols, scale, weighted, np.dtype(real))[:, :, q].reshape(cols, -1)
    lines = xp.matmul(by_rows, planes.reshape(2 * count_p, -1))  # (rows * planes, Q' * N)
    x = xp.matmul(by_cols, lines.reshape(rows, 2 * count_q, n))  # (rows, cols, N)
    return x.reshape(rows, cols, *tail)
