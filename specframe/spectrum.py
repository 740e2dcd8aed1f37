"""What has to be known about a half spectrum besides its numbers.

The spectrum of a real map on a grid of P x W points is stored as its columns 0 .. W//2 (numpy's rfft2 layout). Its
shape (P, W//2 + 1, batch, channels) does not tell whether W is even, nor how much of the grid is padding, nor which
normalisation made it. A `Spectrum` says so and travels on the Tensor, so that `irfft2` and the spectral layers need
no repetition.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from specframe.grids import check_grid


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

    grid: tuple[int, int]
    size: tuple[int, int]
    norm: str = "ortho"
    active: Any = field(default=None, compare=False)

    @property
    def half(self) -> tuple[int, int]:
        """(P, Q): shape of the half spectrum."""
        return self.grid[0], self.grid[1] // 2 + 1

    @property
    def dc_gain(self) -> float:
        """What a constant map of ones has in its bin (0, 0): sqrt(P W) in the ortho norm, P W without scaling."""
        points = self.grid[0] * self.grid[1]
        return math.sqrt(points) if self.norm == "ortho" else float(points)

    def with_active(self, active: Any) -> "Spectrum":
        return replace(self, active=active)


def of(tensor: Any, op: str) -> Spectrum:
    """The Spectrum of a tensor, or a sentence that names the op."""
    if tensor.spectrum is None:
        raise ValueError(
            f"{op}: expected a spectrum made by rfft2, got a tensor of shape {tensor.shape} that carries no grid"
        )
    return tensor.spectrum


def known(tensor: Any, grid: Any, norm: str | None, op: str) -> Spectrum:
    """The Spectrum that a tensor carries, with which `grid` and `norm` (or None) must agree; that of `grid` and `norm`
    where it carries none."""
    s, grid = tensor.spectrum, None if grid is None else check_grid(grid, op)
    if s is None and grid is None:
        raise ValueError(
            f"{op}: expected a spectrum made by rfft2, or a grid=(P, W) for a tensor {tensor.shape} that carries none"
        )
    if s is None:
        check_norm(norm or "ortho", op)
        return Spectrum(grid, grid, norm or "ortho")
    for what, given, carried in (("grid", grid, s.grid), ("norm", norm, s.norm)):
        if given is not None and given != carried:
            raise ValueError(f"{op}: {what} {given} contradicts the spectrum's own {carried}")
    return s


def check_half(tensor: Any, s: Spectrum, op: str) -> None:
    """Refuse a tensor that is not a half spectrum (P, Q, batch, channels) on the grid of `s`."""
    array = tensor.data
    if array.ndim != 4 or array.dtype.kind != "c" or array.shape[:2] != s.half:
        raise ValueError(
            f"{op}: expected a complex spectrum of {s.half} x batch x channels, got {array.shape} {array.dtype}"
        )


def column_weights(W: int, dtype: Any = np.float64) -> Any:
    """m, shape (Q,): how often each half-spectrum column stands in the full spectrum.

    Column 0, and column W/2 of an even W, are their own mirror image and count once; every other column stands for
    itself and its conjugate and counts twice.
    """
    m = np.full(W // 2 + 1, 2, dtype)
    m[0] = 1
    if W % 2 == 0:
        m[-1] = 1
    return m


def edge_columns(W: int) -> tuple[int, ...]:
    """The columns of a half spectrum that are their own mirror image: 0 and, for even W, W/2."""
    return (0, W // 2) if W % 2 == 0 else (0,)


def hermitian_part(xp: Any, column: Any) -> Any:
    """(z[p] + conj(z[-p])) / 2 of an edge column (P, ...)."""
    mirrored = xp.roll(column[::-1], 1, axis=0)  # row p holds column[-p]
    return (column + xp.conj(mirrored)) / 2


def hermitian_edges(xp: Any, Z: Any, W: int) -> Any:
    """Z with each edge column replaced by its Hermitian part.

    The inverse real transform does not change by this; on the result, every library's inverse agrees.
    """
    Z = Z.copy()
    for q in edge_columns(W):
        Z[:, q] = hermitian_part(xp, Z[:, q])
    return Z


def check_norm(norm: str, op: str) -> None:
    if norm not in ("ortho", "backward"):
        raise ValueError(f"{op}: unknown norm {norm!r}, expected 'ortho' or 'backward'")
