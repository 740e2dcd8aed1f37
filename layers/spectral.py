"""Layers that work on the spectrum, and the block that goes there and back."""

import numpy as np

from specframe import ops
from specframe.grids import choose_grid
from specframe.layers import init
from specframe.layers.module import Module
from specframe.layers.norm import SpectralBatchNorm2d
from specframe.ops.decimate import check_stride
from specframe.ops.split_activation import check_activation
from specframe.ops.threshold import check_beta
from specframe.spectrum import check_norm


class SpectralConv2d(Module):
    """Convolution of spectra, eq. (2): (P, Q, batch, c_in) -> (P, Q, batch, c_out).

    Parameters
    ----------
    c_in, c_out, kernel_size : int
    bias, gain, rng, dtype : as in Linear. The weight is stored in space, (c_out, c_in, k, k).
    stride : int
        Keep every stride-th row and column of the result (ops/decimate.py); the grid must be a multiple of it.
    """

    def __init__(self, c_in, c_out, kernel_size, bias=True, *, stride=1, gain=1.0, rng=None, dtype=np.float32):
        check_stride(stride, "SpectralConv2d")
        self.stride = stride
        self.weight = init.fan_in_uniform(rng, (c_out, c_in, kernel_size, kernel_size), gain, dtype)
        self.bias = init.zeros(c_out, dtype) if bias else None

    def forward(self, X):
        Y = ops.spectral_conv2d(X, self.weight, self.bias)
        return Y if self.stride == 1 else ops.decimate(Y, self.stride)


class Threshold(Module):
    """Entries of a spectrum not above beta become zero."""

    def __init__(self, beta=0.5):
        self.beta = beta

    def forward(self, Y):
        return ops.threshold(Y, self.beta)


class SplitTanh(Module):
    """scale * tanh(part / scale) of the real and the imaginary part."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def forward(self, Y):
        return ops.split_tanh(Y, self.scale)


class SplitActivation(Module):
    """scale * f(part / scale) of the real and the imaginary part; f by name, as in ops.split_activation."""

    def __init__(self, activation="tanh", scale=1.0):
        check_activation(activation, scale, "SplitActivation")
        self.activation, self.scale = activation, scale

    def forward(self, Y):
        return ops.split_activation(Y, self.activation, self.scale)


def _step(X, weight, bias, batch_norm, stride, beta, activation, scale):
    """One convolution with what follows it; the plain one as a single op, which can skip frequencies."""
    options = {"beta": beta, "activation": activation, "scale": scale}
    if stride == 1 and batch_norm is None:
        return ops.spectral_conv_act(X, weight, bias, **options)
    Y = ops.spectral_conv2d(X, weight, bias)
    if stride > 1:
        Y = ops.decimate(Y, stride)
    if batch_norm is not None:
        Y = batch_norm(Y)
    return ops.spectral_act(Y, **options)


def _betas(beta, convs):
    """The threshold of each convolution of a block."""
    if not isinstance(beta, list | tuple):
        return [beta] * convs
    if len(beta) != convs:
        raise ValueError(f"SpectralBlock: expected one beta or {convs}, got {len(beta)}")
    return list(beta)


class SpectralLayer(Module):
    """Convolution, (batch normalisation), threshold, activation, from spectrum to spectrum (Algorithm 1, lines 15-17).

    For networks that stay in the spectrum between convolutions, as DenseNet's block does. Parameters as in
    SpectralBlock; the grid is that of the spectrum.
    """

    def __init__(
        self, c_in, c_out, kernel_size, beta=0.5, activation="tanh", scale=1.0, gain=1.0, *, stride=1, batch_norm=None,
        bias=True, rng=None, dtype=np.float32,
    ):  # fmt: skip
        check_activation(activation, scale, "SpectralLayer")
        check_beta(beta, "SpectralLayer")
        check_stride(stride, "SpectralLayer")
        if batch_norm not in (None, "spectral"):
            raise ValueError(f"SpectralLayer: unknown batch_norm {batch_norm!r}, expected None or 'spectral'")
        self.beta, self.activation, self.scale, self.stride = beta, activation, scale, stride
        self.weight = init.fan_in_uniform(rng, (c_out, c_in, kernel_size, kernel_size), gain, dtype)
        self.bias = init.zeros(c_out, dtype) if bias and batch_norm is None else None
        self.batch_norm = batch_norm and SpectralBatchNorm2d(c_out, dtype=dtype)

    def forward(self, X):
        return _step(X, self.weight, self.bias, self.batch_norm, self.stride, self.beta, self.activation, self.scale)


class SpectralBlock(Module):
    """Algorithm 1 and the way back: map -> spectrum -> (convolution, threshold, activation) x convs -> map.

        X = rfft2(x);   Z = split_activation(threshold(X @ K + b));   y = irfft2(Z)

    With a stride, X @ K + b is decimated before the threshold; with batch normalisation, X @ K is normalised there,
    after the stride. The activation's output is all that is kept of a convolution in any case.

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
        An unknown name, or a number out of range.
    """

    def __init__(
        self, c_in, c_out, kernel_size, beta=0.5, convs=1, grid="fast", norm="ortho", activation="tanh", scale=1.0,
        gain=1.0, *, stride=1, batch_norm=None, margin=None, bias=True, rng=None, dtype=np.float32,
    ):  # fmt: skip
        check_activation(activation, scale, "SpectralBlock")
        if convs < 1:
            raise ValueError(f"SpectralBlock: expected at least one convolution, got {convs}")
        check_norm(norm, "SpectralBlock")
        for each in _betas(beta, convs):
            check_beta(each, "SpectralBlock")
        check_stride(stride, "SpectralBlock")
        if batch_norm not in (None, "spectral"):
            raise ValueError(f"SpectralBlock: unknown batch_norm {batch_norm!r}, expected None or 'spectral'")
        self.kernel_size, self.convs, self.stride = kernel_size, convs, stride
        self.beta, self.activation, self.scale = beta, activation, scale
        self.grid, self.norm, self.margin = grid, norm, margin
        rng = init.generator(rng)
        for suffix in self._suffixes():
            shape = (c_out, c_in if suffix == "" else c_out, kernel_size, kernel_size)
            setattr(self, f"weight{suffix}", init.fan_in_uniform(rng, shape, gain, dtype))
            setattr(self, f"bias{suffix}", init.zeros(c_out, dtype) if bias and batch_norm is None else None)
            setattr(self, f"batch_norm{suffix}", batch_norm and SpectralBatchNorm2d(c_out, dtype=dtype))

    def _suffixes(self):
        return ["", *(str(i) for i in range(2, self.convs + 1))]

    def spectrum(self, x):
        """Z, the half spectrum that the block stores, of a map."""
        grid = choose_grid(x.shape[:2], self.kernel_size, self.grid, self.stride, self.margin)
        Z, stride = ops.rfft2(x, grid, self.norm), self.stride
        for suffix, beta in zip(self._suffixes(), _betas(self.beta, self.convs), strict=True):
            weight, bias, batch_norm = (getattr(self, f"{name}{suffix}") for name in ("weight", "bias", "batch_norm"))
            Z = _step(Z, weight, bias, batch_norm, stride, beta, self.activation, self.scale)
            stride = 1  # only the first convolution has one
        return Z

    def forward(self, x):
        return ops.irfft2(self.spectrum(x))
