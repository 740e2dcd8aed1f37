"""Orthonormal transforms of real maps over their first two axes: what `spectral` drops the small coefficients of.

    dct, haar   y = A x B^T, with an orthonormal matrix for the rows and one for the columns
    fft         y = sqrt(c) F x, the half spectrum in the ortho norm; c counts the bins of the full spectrum that a
                stored one stands for: itself, and the conjugate that is not stored

sum |y|^2 = sum x^2 for each of them, so a coefficient that is dropped costs its square in energy and the largest ones
are the best to keep. On columns 0 and W/2 both members of a conjugate pair would be stored: there the second one is
set to zero (c = 0), which makes its row of the spectrum empty.
"""

import functools
import math

import numpy as np

from specframe import backend
from specframe.spectrum import column_weights


class Separable:
    """y = A x B^T with one orthonormal matrix for each length.

    Parameters
    ----------
    matrix : callable, n -> array (n, n), float64, of orthonormal rows
    """

    def __init__(self, matrix):
        self._matrix = functools.lru_cache(maxsize=64)(lambda b, n, dtype: b.asarray(matrix(n).astype(dtype)))

    def count(self, shape):
        """How many coefficients may differ from zero, for maps of this shape."""
        return math.prod(shape)

    def forward(self, array):
        """Real coefficients of real maps: (rows, cols, batch, channels) both, and of one dtype."""
        return self._apply(array, lambda matrix: matrix)

    def inverse(self, coefficients, shape):
        """The maps of `shape`."""
        return self._apply(coefficients, lambda matrix: matrix.T)

    def _apply(self, array, turn):
        b, (rows, cols) = backend.of("transform", array), array.shape[:2]
        by_rows, by_cols = (turn(self._matrix(b, n, array.dtype)) for n in (rows, cols))
        lines = b.matmul(by_rows, array.reshape(rows, -1))
        return b.matmul(by_cols, lines.reshape(rows, cols, -1)).reshape(array.shape)


def dct_matrix(n):
    """DCT-II: row k is cos(pi k (2 j + 1) / (2 n)), scaled to length 1."""
    k, j = np.ogrid[:n, :n]
    matrix = np.cos(np.pi * k * (2 * j + 1) / (2 * n)) * math.sqrt(2 / n)
    matrix[0] = math.sqrt(1 / n)
    return matrix


def haar_matrix(n):
    """The Haar wavelet on all levels, coarsest row first.

    A level turns pairs of samples into (a + b) / sqrt(2), handed to the next level, and (a - b) / sqrt(2). The last
    sample of an odd length has no partner and is handed on as it is.
    """
    if n == 1:
        return np.eye(1)
    identity, pairs = np.eye(n), n // 2
    a, b = identity[0 : 2 * pairs : 2], identity[1 : 2 * pairs : 2]
    low = np.concatenate([(a + b) / math.sqrt(2), identity[2 * pairs :]])
    return np.concatenate([haar_matrix(n - pairs) @ low, (a - b) / math.sqrt(2)])


class HalfSpectrum:
    """The Fourier transform on the map's own grid, one of each conjugate pair."""

    def count(self, shape):
        """How many coefficients may differ from zero, for maps of this shape."""
        return np.count_nonzero(_copies(*shape[:2])) * math.prod(shape[2:])

    def forward(self, array):
        """Complex coefficients (rows, cols//2 + 1, batch, channels) of real maps (rows, cols, batch, channels)."""
        b, grid = backend.of("transform", array), array.shape[:2]
        X = b.rfft2(array, grid, "ortho")
        X *= b.asarray(np.sqrt(_copies(*grid)).astype(array.dtype)[..., None, None])
        return X

    def inverse(self, coefficients, shape):
        """The maps of `shape`."""
        b, grid = backend.of("transform", coefficients), shape[:2]
        # The library doubles the inner columns itself. Of the outer ones it takes the Hermitian part, half of a bin
        # whose partner is zero.
        factor = (np.sqrt(_copies(*grid)) / column_weights(grid[1])).astype(coefficients.real.dtype)
        return b.irfft2(coefficients * b.asarray(factor[..., None, None]), grid, "ortho")


@functools.lru_cache(maxsize=64)
def _copies(rows, cols):
    """c, (rows, cols//2 + 1): 2 where a bin stands for its conjugate too, 1 where it is its own, 0 where left out."""
    p = np.arange(rows)
    of_pair = np.sign(-p % rows - p) + 1  # 2 for the first of p and -p, 1 where they are the same, 0 for the second
    return np.where(column_weights(cols) == 2, 2, of_pair[:, None])


TRANSFORMS = {"fft": HalfSpectrum(), "dct": Separable(dct_matrix), "haar": Separable(haar_matrix)}
