"""What has to be known about a half spectrum besides its numbers.

The spectrum of a real map on a grid of P x W points is stored as its columns 0 .. W//2 (numpy's rfft2 layout). Its
shape (P, W//2 + 1, batch, channels) does not tell whether W is even, nor how much of the grid is padding, nor which
normalisation made it. A `Spectrum` says so and travels on the Tensor, so that `irfft2` and the spectral layers need
no repetition.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Spectrum:
    """Where a half spectrum came from.

    Attributes
    ----------
    grid : (P, W)
        Rows and columns of the full grid.
    size : (rows, cols)
        The part of the grid that holds the map; `irfft2` crops to it, from the top left.
    norm : {"ortho", "backward"}
        Normalisation of the transform, as in numpy.fft.
    active : bool array (P, W//2 + 1) on the host, or None
        Frequencies at which anything may differ from zero, for the whole batch and all channels. Outside it the
        values are zero and their cotangent is never read (a threshold has removed them), so work there is skipped.
        None means all.
    """

    grid: tuple
    size: tuple
    norm: str = "ortho"
    active: np.ndarray | None = field(default=None, compare=False)

    @property
    def half(self):
        """(P, Q): shape of the half spectrum."""
        return self.grid[0], self.grid[1] // 2 + 1

    @property
    def dc_gain(self):
        """What a constant map of ones has in its bin (0, 0): sqrt(P W) in the ortho norm, P W without scaling."""
        points = self.grid[0] * self.grid[1]
        return math.sqrt(points) if self.norm == "ortho" else float(points)

    def with_active(self, active):
        return replace(self, active=active)


def of(tensor, op):
    """The Spectrum of a tensor, or a sentence that names the op."""
    if tensor.spectrum is None:
        raise ValueError(
            f"{op}: expected a spectrum made by rfft2, got a tensor of shape {tensor.shape} that carries no grid"
        )
    return tensor.spectrum


def check_half(tensor, s, op):
    """Refuse a tensor that is not a half spectrum (P, Q, batch, channels) on the grid of `s`."""
    if tensor.ndim != 4 or tensor.dtype.kind != "c" or tensor.shape[:2] != s.half:
        raise ValueError(
            f"{op}: expected a complex spectrum of {s.half} x batch x channels, got {tensor.shape} {tensor.dtype}"
        )


def column_weights(W, dtype=np.float64):
    """m, shape (Q,): how often each half-spectrum column stands in the full spectrum.

    Column 0, and column W/2 of an even W, are their own mirror image and count once; every other column stands for
    itself and its conjugate and counts twice.
    """
    m = np.full(W // 2 + 1, 2, dtype)
    m[0] = 1
    if W % 2 == 0:
        m[-1] = 1
    return m


def edge_columns(W):
    """The columns of a half spectrum that are their own mirror image: 0 and, for even W, W/2."""
    return (0, W // 2) if W % 2 == 0 else (0,)


def hermitian_part(xp, column):
    """(z[p] + conj(z[-p])) / 2 of an edge column (P, ...)."""
    mirrored = xp.roll(column[::-1], 1, axis=0)  # row p holds column[-p]
    return (column + xp.conj(mirrored)) / 2


def hermitian_edges(xp, Z, W):
    """Z with each edge column replaced by its Hermitian part.

    The inverse real transform does not change by this; on the result, every library's inverse agrees.
    """
    Z = Z.copy()
    for q in edge_columns(W):
        Z[:, q] = hermitian_part(xp, Z[:, q])
    return Z


def check_norm(norm, op):
    if norm not in ("ortho", "backward"):
        raise ValueError(f"{op}: unknown norm {norm!r}, expected 'ortho' or 'backward'")


def check_grid(grid, op):
    """The grid as a tuple of two ints, or a sentence that names the op."""
    pair = tuple(grid) if isinstance(grid, tuple | list) else ()
    if len(pair) != 2:
        raise ValueError(f"{op}: a grid is a pair (P, W), got {grid!r}")
    return int(pair[0]), int(pair[1])


def fast_length(n):
    """The smallest length from n on whose only prime factors are 2, 3 and 5: what a real FFT does fastest.

    >>> [fast_length(n) for n in (19, 35, 37)]
    [20, 36, 40]
    """
    while True:
        rest = n
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return n
        n += 1


def choose_grid(size, kernel_size, grid="fast", stride=1, margin=None):
    """The grid (P, W) for maps of `size` = (rows, cols) and square kernels of `kernel_size`.

    Parameters
    ----------
    grid : str, int or (int, int)
        "linear"    rows + k - 1: linear convolution, as in section 3.1 of the paper
        "fast"      that, rounded up to a length the FFT likes
        "same"      rows + k//2: the smallest grid on which the cropped result is still the linear one: what wraps
                    around falls outside the crop (docs/errata.md, "grid")
        "paper"     rows + k: Table 1's 35 and 19
        "circular"  rows, or k if that is more: no padding, the kernel wraps around the border
        a number, or a pair, fixes it
    stride : int
        The grid is rounded up to a multiple of it.
    margin : int or None
        Rows and columns of padding for "linear" and "fast", in place of k - 1: a block of several convolutions needs
        the sum of theirs if nothing is to wrap around.

    >>> choose_grid((28, 28), 5), choose_grid((28, 28), 5, "same"), choose_grid((32, 32), 3, "paper")
    ((32, 32), (30, 30), (35, 35))
    """
    k = kernel_size
    linear = k - 1 if margin is None else margin
    if isinstance(grid, str):
        margins = {"linear": linear, "fast": linear, "same": k // 2, "paper": k, "circular": 0}
        if grid not in margins:
            raise ValueError(f"unknown grid {grid!r}: choose {', '.join(margins)}, a number or a pair")
        chosen = [max(n + margins[grid], k) for n in size]
        if grid == "fast":
            chosen = [fast_length(n) for n in chosen]
    else:
        chosen = [int(grid)] * 2 if isinstance(grid, int | np.integer) else [int(n) for n in grid]
        if len(chosen) != 2:
            raise ValueError(f"a grid is a name, a number or a pair (P, W), got {grid!r}")
    chosen = tuple(-(-n // stride) * stride for n in chosen)
    if chosen[0] < size[0] or chosen[1] < size[1]:
        raise ValueError(f"a grid of {chosen} cannot hold maps of {tuple(size)}")
    return chosen
