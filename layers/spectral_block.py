"""SpectralBlock: to the spectrum, through its convolutions, and back."""

from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.grids import choose_grid
from specframe.layers import init
from specframe.layers.checks import whole
from specframe.layers.layout import check_maps
from specframe.layers.module import Module
from specframe.layers.norm import SpectralBatchNorm2d
from specframe.layers.parameter import Parameter
from specframe.layers.spectral import check_settings, step
from specframe.ops.threshold import check_beta
from specframe.spectrum import check_norm
from specframe.tensor import Tensor

Grid: TypeAlias = str | int | tuple[int, int]


class SpectralBlock(Module):
    """Algorithm 1 and the way back: map -> spectrum -> (convolution, threshold, activation) x convs -> map.

        X = rfft2(x);   Z = split_activation(threshold(X @ K + b));   y = irfft2(Z)

    Maps are (rows, cols, batch, c_in) -> (rows, cols, batch, c_out). With a stride, X @ K + b is decimated before the
    threshold; with batch normalisation, X @ K is normalised there, after the stride. The activation's output is all
    that is kept of a convolution in any case.

    Parameters
    ----------
    c_in, c_out, kernel_size : int
        The first convolution maps c_in to c_out channels, further ones c_out to c_out.
    beta : float, 0 or more, or a list of them, one a convolution
        Threshold on |Y|, in the units of `norm`.
    convs : int
        Convolutions in the block. They share one grid, so later ones wrap around its border unless `margin` is the
        sum of theirs.
    grid : str, int or pair, margin : int or None
        As in grids.choose_grid, chosen for each input's size.
    norm : "ortho" or "backward"
    activation : "tanh", "softsign", "hardtanh" or "arctan"
    scale : float
        Of the activation; the paper's is 1.
    gain : float
        Scales the initial weights.
    stride : int
        Of the first convolution. The grid is rounded up to a multiple of it; later convolutions work on the coarse
        grid, so that their share of a margin counts stride-fold.
    batch_norm : None or "spectral"
        Normalise after each convolution, over the whole grid (ops/spectral_batch_norm2d.py). The convolutions then
        have no bias: the normalisation's takes its place.
    bias, rng, dtype : as in Linear

    Attributes
    ----------
    weight, bias, then weight2, bias2, ... : Parameters, one pair for each convolution
    batch_norm, batch_norm2, ... : SpectralBatchNorm2d or None, one for each convolution

    Raises
    ------
    ValueError
        An unknown name, or a number out of range; in a call, maps of another layout, precision or number of channels,
        or larger than the grid.
    """

    weight: Parameter
    bias: Parameter | None
    batch_norm: SpectralBatchNorm2d | None

    def __init__(
        self, c_in: int, c_out: int, kernel_size: int, beta: float | list[float] = 0.5, convs: int = 1,
        grid: Grid = "fast", norm: str = "ortho", activation: str = "tanh", scale: float = 1.0, gain: float = 1.0, *,
        stride: int = 1, batch_norm: str | None = None, margin: int | None = None, bias: bool = True,
        rng: init.Seed = None, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        check_settings(self, c_in, c_out, kernel_size, stride, activation, scale, batch_norm)
        check_norm(norm, "SpectralBlock")
        whole(self, convs=convs)
        for each in _betas(beta, convs):
            check_beta(each, "SpectralBlock")
        choose_grid((1, 1), kernel_size, grid, stride, margin)  # refuses what is no grid
        self.c_in, self.c_out, self.kernel_size, self.convs, self.stride = c_in, c_out, kernel_size, convs, stride
        self.beta, self.activation, self.scale = beta, activation, scale
        self.grid, self.norm, self.margin = grid, norm, margin
        rng = init.generator(rng)
        for suffix in self._suffixes():
            shape = (c_out, c_in if suffix == "" else c_out, kernel_size, kernel_size)
            setattr(self, f"weight{suffix}", init.fan_in_uniform(rng, shape, gain, dtype))
            setattr(self, f"bias{suffix}", init.zeros(c_out, dtype) if bias and batch_norm is None else None)
            setattr(self, f"batch_norm{suffix}", SpectralBatchNorm2d(c_out, dtype=dtype) if batch_norm else None)

    def _suffixes(self) -> list[str]:
        return ["", *(str(i) for i in range(2, self.convs + 1))]

    def spectrum(self, x: Tensor) -> Tensor:
        """Z, the half spectrum (P, Q, batch, c_out) that the block stores, of a map."""
        check_maps(self, x, self.weight, self.c_in)
        grid = choose_grid(x.shape[:2], self.kernel_size, self.grid, self.stride, self.margin)
        Z, stride = ops.rfft2(x, grid, self.norm), self.stride
        for suffix, beta in zip(self._suffixes(), _betas(self.beta, self.convs), strict=True):
            weight, bias, batch_norm = (getattr(self, f"{name}{suffix}") for name in ("weight", "bias", "batch_norm"))
            Z = step(Z, weight, bias, batch_norm, stride, beta, self.activation, self.scale)
            stride = 1  # only the first convolution has one
        return Z

    def forward(self, x: Tensor) -> Tensor:
        return ops.irfft2(self.spectrum(x))


def _betas(beta: float | list[float], convs: int) -> list[float]:
    """The threshold of each convolution of a block."""
    if not isinstance(beta, list | tuple):
        return [beta] * convs
    if len(beta) != convs:
        raise ValueError(f"SpectralBlock: expected one beta or {convs}, got {len(beta)}")
    return list(beta)
