"""Layers from spectrum to spectrum, (P, Q, batch, channels), on whatever grid the spectrum has."""

from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import init
from specframe.layers.checks import whole
from specframe.layers.module import Module
from specframe.layers.norm import SpectralBatchNorm2d
from specframe.layers.parameter import Parameter
from specframe.ops.decimate import check_stride
from specframe.ops.split_activation import check_activation
from specframe.ops.threshold import check_beta
from specframe.tensor import Tensor

Normalisation: TypeAlias = SpectralBatchNorm2d | None


class SpectralConv2d(Module):
    """Convolution of spectra, eq. (2): (P, Q, batch, c_in) -> (P, Q, batch, c_out).

    Parameters
    ----------
    c_in, c_out, kernel_size : int
    bias, gain, rng, dtype : as in Linear
    stride : int
        Keep every stride-th row and column of the result (ops/decimate.py); the grid must be a multiple of it.

    Attributes
    ----------
    weight : Parameter (c_out, c_in, k, k), in space
    bias : Parameter (c_out,) or None

    Raises
    ------
    ValueError
        A number out of range; in a call, what is no spectrum, or has another number of channels.
    """

    def __init__(
        self, c_in: int, c_out: int, kernel_size: int, bias: bool = True, *, stride: int = 1, gain: float = 1.0,
        rng: init.Seed = None, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        whole(self, c_in=c_in, c_out=c_out, kernel_size=kernel_size)
        check_stride(stride, "SpectralConv2d")
        self.c_in, self.c_out, self.kernel_size, self.stride = c_in, c_out, kernel_size, stride
        self.weight = init.fan_in_uniform(rng, (c_out, c_in, kernel_size, kernel_size), gain, dtype)
        self.bias = init.zeros(c_out, dtype) if bias else None

    def forward(self, X: Tensor) -> Tensor:
        Y = ops.spectral_conv2d(X, self.weight, self.bias)
        return Y if self.stride == 1 else ops.decimate(Y, self.stride)


class Threshold(Module):
    """Entries of a spectrum not above beta become zero.

    Parameters
    ----------
    beta : float, 0 or more; ValueError below
    """

    def __init__(self, beta: float = 0.5) -> None:
        check_beta(beta, "Threshold")
        self.beta = beta

    def forward(self, Y: Tensor) -> Tensor:
        return ops.threshold(Y, self.beta)


class SplitTanh(Module):
    """scale * tanh(part / scale) of the real and the imaginary part.

    Parameters
    ----------
    scale : float above 0; ValueError below
    """

    def __init__(self, scale: float = 1.0) -> None:
        check_activation("tanh", scale, "SplitTanh")
        self.scale = scale

    def forward(self, Y: Tensor) -> Tensor:
        return ops.split_tanh(Y, self.scale)


class SplitActivation(Module):
    """scale * f(part / scale) of the real and the imaginary part; f by name, as in ops.split_activation."""

    def __init__(self, activation: str = "tanh", scale: float = 1.0) -> None:
        check_activation(activation, scale, "SplitActivation")
        self.activation, self.scale = activation, scale

    def forward(self, Y: Tensor) -> Tensor:
        return ops.split_activation(Y, self.activation, self.scale)


class SpectralLayer(Module):
    """Convolution, (batch normalisation), threshold, activation, from spectrum to spectrum (Algorithm 1, lines 15-17).

    For networks that stay in the spectrum between convolutions, as DenseNet's block does. Parameters and errors as in
    SpectralBlock; the grid is that of the spectrum.
    """

    def __init__(
        self, c_in: int, c_out: int, kernel_size: int, beta: float = 0.5, activation: str = "tanh", scale: float = 1.0,
        gain: float = 1.0, *, stride: int = 1, batch_norm: str | None = None, bias: bool = True, rng: init.Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        check_settings(self, c_in, c_out, kernel_size, stride, activation, scale, batch_norm)
        check_beta(beta, "SpectralLayer")
        self.c_in, self.c_out, self.kernel_size, self.stride = c_in, c_out, kernel_size, stride
        self.beta, self.activation, self.scale = beta, activation, scale
        self.weight = init.fan_in_uniform(rng, (c_out, c_in, kernel_size, kernel_size), gain, dtype)
        self.bias = init.zeros(c_out, dtype) if bias and batch_norm is None else None
        self.batch_norm: Normalisation = SpectralBatchNorm2d(c_out, dtype=dtype) if batch_norm else None

    def forward(self, X: Tensor) -> Tensor:
        return step(X, self.weight, self.bias, self.batch_norm, self.stride, self.beta, self.activation, self.scale)


def step(
    X: Tensor, weight: Parameter, bias: Parameter | None, batch_norm: Normalisation, stride: int, beta: float,
    activation: str, scale: float,
) -> Tensor:  # fmt: skip
    """One convolution with what follows it; the plain one as a single op, which can skip frequencies."""
    if stride == 1 and batch_norm is None:
        return ops.spectral_conv_act(X, weight, bias, beta=beta, activation=activation, scale=scale)
    Y = ops.spectral_conv2d(X, weight, bias)
    if stride > 1:
        Y = ops.decimate(Y, stride)
    if batch_norm is not None:
        Y = batch_norm(Y)
    return ops.spectral_act(Y, beta=beta, activation=activation, scale=scale)


def check_settings(
    layer: Module, c_in: int, c_out: int, kernel_size: int, stride: int, activation: str, scale: float,
    batch_norm: str | None,
) -> None:  # fmt: skip
    """Refuse sizes and names out of range, by the layer's name."""
    name = type(layer).__name__
    whole(layer, c_in=c_in, c_out=c_out, kernel_size=kernel_size)
    check_stride(stride, name)
    check_activation(activation, scale, name)
    if batch_norm not in (None, "spectral"):
        raise ValueError(f"{name}: unknown batch_norm {batch_norm!r}, expected None or 'spectral'")
