"""Normalisation: over the batch, in space and in the spectrum, and within each entry of it."""

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import init
from specframe.layers.checks import between, whole
from specframe.layers.layout import check_maps, check_precision
from specframe.layers.module import Module
from specframe.tensor import Tensor


class BatchNorm2d(Module):
    """Each channel to mean beta and deviation gamma over the batch; running statistics in evaluation.

    Maps (rows, cols, batch, channels) stay what they are in shape.

    Parameters
    ----------
    channels : int
    momentum : float from 0 to 1, share of the new statistics in the running ones
    eps : float, 0 or more, added to the variance
    dtype : float32 or float64

    Attributes
    ----------
    weight, bias : Parameters (channels,), gamma and beta
    running_mean, running_var : arrays (channels,)

    Raises
    ------
    ValueError
        A number out of range; in a call, maps of another layout, precision or number of channels, or, in training, one
        entry a channel.
    """

    buffer_names = ("running_mean", "running_var")

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        whole(self, channels=channels)
        between(self, 0, 1, momentum=momentum, eps=eps)
        self.channels, self.momentum, self.eps = channels, momentum, eps
        self.weight, self.bias = init.ones(channels, dtype), init.zeros(channels, dtype)
        self.running_mean, self.running_var = np.zeros(channels, dtype), np.ones(channels, dtype)

    def forward(self, x: Tensor) -> Tensor:
        check_maps(self, x, self.weight, self.channels)
        running = (self.running_mean, self.running_var)
        return ops.batch_norm2d(x, self.weight, self.bias, running, self.training, self.momentum, self.eps)


class BatchNorm1d(BatchNorm2d):
    """The same for features (batch, channels), each over the batch.

    Parameters
    ----------
    channels, momentum, eps, dtype : as in BatchNorm2d
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 2:
            raise ValueError(f"BatchNorm1d: expected (batch, {self.channels}), got {x.shape}")
        return ops.reshape(super().forward(ops.reshape(x, (1, 1, *x.shape))), x.shape)


class SpectralBatchNorm2d(BatchNorm2d):
    """The same for the maps on the whole grid, computed in their spectrum (ops/spectral_batch_norm2d.py).

    Parameters
    ----------
    channels, momentum, eps, dtype : as in BatchNorm2d
    """

    def forward(self, Y: Tensor) -> Tensor:
        running = (self.running_mean, self.running_var)
        return ops.spectral_batch_norm2d(Y, self.weight, self.bias, running, self.training, self.momentum, self.eps)


class LayerNorm(Module):
    """Each entry of a batch to mean beta and deviation gamma over its last axes.

    Parameters
    ----------
    shape : int or tuple, of the axes to normalise over: the last of the input's
    eps : float from 0 to 1, added to the variance
    dtype : float32 or float64

    Attributes
    ----------
    weight, bias : Parameters of this shape, gamma and beta

    Raises
    ------
    ValueError
        A number out of range; in a call, other last axes or another precision.
    """

    def __init__(self, shape: int | tuple[int, ...], eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        axes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
        for each in axes or (0,):
            whole(self, shape=each)
        between(self, 0, 1, eps=eps)
        self.shape, self.eps = shape, eps
        self.weight, self.bias = init.ones(axes, dtype), init.zeros(axes, dtype)

    def forward(self, x: Tensor) -> Tensor:
        check_precision(self, x, self.weight)
        return ops.layer_norm(x, self.weight, self.bias, self.eps)
