"""Slow references that are right at a glance: sums and loops written straight from the definitions, in NumPy alone.

Maps are (rows, columns, batch, channels), spectra (P, W//2 + 1, batch, channels), as everywhere in specframe.
"""

import numpy as np

SCALE = {"ortho": (0.5, 0.5), "backward": (0.0, 1.0), "forward": (1.0, 0.0)}  # powers of 1 / (P W): there, back


def dft2(x, grid, norm="ortho"):
    """Half spectrum, one frequency after the other: X[p, q] = sum_ij x[i, j] exp(-2 pi i (p i / P + q j / W))."""
    P, W = grid
    rows, columns = x.shape[:2]
    i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
    X = np.empty((P, W // 2 + 1, *x.shape[2:]), np.complex128)
    for p in range(P):
        for q in range(W // 2 + 1):
            wave = np.exp(-2j * np.pi * (p * i / P + q * j / W))
            X[p, q] = np.sum(wave[:, :, None, None] * x, axis=(0, 1))
    return X / (P * W) ** SCALE[norm][0]


def idft2(Z, grid, norm="ortho"):
    """The real inverse of a half spectrum: inverse over the rows, then complete each row's columns by conjugation.

    After the first step a row holds the half spectrum c[0..W//2] of one real line, so c[-q] = conj(c[q]); of c[0], and
    of c[W/2] when W is even, only the real part can count. In terms of Z: only the Hermitian part of the edge columns.
    """
    P, W = grid
    p = np.arange(P)
    y = np.zeros((P, W, *Z.shape[2:]))
    for i in range(P):
        line = np.sum(np.exp(2j * np.pi * p * i / P)[:, None, None, None] * Z, axis=0)  # (Q, batch, channels)
        for j in range(W):
            for q in range(W // 2 + 1):
                wave = np.exp(2j * np.pi * q * j / W)
                if q == 0 or 2 * q == W:
                    y[i, j] += (wave * line[q].real).real
                else:
                    y[i, j] += (wave * line[q] + np.conj(wave * line[q])).real
    return y / (P * W) ** SCALE[norm][1]


def conv2d_loops(x, weight, bias=None, stride=1, padding=0):
    """Cross-correlation of x (rows, columns, batch, c_in) with weight (c_out, c_in, k, k), one output pixel at a time.

    stride is a number or a pair; padding a number, a pair, "same" (c = (k - 1) // 2 before and k - 1 - c after) or
    ((top, bottom), (left, right)).
    """
    c_out, _, k_rows, k_columns = weight.shape
    if padding == "same":
        padding = tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in (k_rows, k_columns))
    x = np.pad(x, (*(_pair(along) for along in _pair(padding)), (0, 0), (0, 0)))
    down, right = _pair(stride)
    rows, columns = (x.shape[0] - k_rows) // down + 1, (x.shape[1] - k_columns) // right + 1
    y = np.zeros((rows, columns, x.shape[2], c_out))
    for i in range(rows):
        for j in range(columns):
            window = x[i * down : i * down + k_rows, j * right : j * right + k_columns]
            for o in range(c_out):
                # window is (k, k, batch, c_in); the weight's axes follow suit
                y[i, j, :, o] = np.sum(window * weight[o].transpose(1, 2, 0)[:, :, None, :], axis=(0, 1, 3))
    return y if bias is None else y + bias


def max_pool_loops(x, size=2, stride=None):
    """(largest value of each window, its place in the window counted row by row; of equals the first)."""
    windows = _windows(x, size, stride)
    flat = windows.reshape(*windows.shape[:2], -1, *windows.shape[4:])
    return np.max(flat, axis=2), np.argmax(flat, axis=2)


def avg_pool_loops(x, size=2, stride=None):
    """Mean of each window."""
    return np.mean(_windows(x, size, stride), axis=(2, 3))


def _pair(value):
    return value if isinstance(value, tuple) else (value, value)


def _windows(x, size, stride):
    """(rows, columns, height, width, batch, channels); windows that would hang over the border are left out."""
    (height, width), (down, right) = _pair(size), _pair(size if stride is None else stride)
    rows, columns = (x.shape[0] - height) // down + 1, (x.shape[1] - width) // right + 1
    windows = np.empty((rows, columns, height, width, *x.shape[2:]), x.dtype)
    for i in range(rows):
        for j in range(columns):
            windows[i, j] = x[i * down : i * down + height, j * right : j * right + width]
    return windows
