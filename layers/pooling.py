"""Pooling layers, (rows, cols, batch, channels) -> (rows', cols', batch, channels)."""

from specframe import ops
from specframe.layers.checks import whole_or_pair
from specframe.layers.conv import Size
from specframe.layers.module import Module
from specframe.tensor import Tensor


class _Windows(Module):
    def __init__(self, size: Size = 2, stride: Size | None = None) -> None:
        whole_or_pair(self, size=size, stride=size if stride is None else stride)
        self.size, self.stride = size, stride


class MaxPool2d(_Windows):
    """The largest entry of each window.

    Parameters
    ----------
    size : int or pair (rows, cols), of the window
    stride : int, pair or None, which is the window's size

    Raises
    ------
    ValueError
        A number below 1; in a call, a window larger than the map.
    """

    def forward(self, x: Tensor) -> Tensor:
        return ops.max_pool2d(x, self.size, self.stride)


class AvgPool2d(_Windows):
    """The mean of each window; parameters and errors as in MaxPool2d."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.avg_pool2d(x, self.size, self.stride)


class GlobalAvgPool2d(Module):
    """The mean of each map: (rows, cols, batch, channels) -> (batch, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.global_avg_pool2d(x)
