"""Pooling layers."""

from specframe import ops
from specframe.layers.module import Module


class MaxPool2d(Module):
    """The largest entry of each window; stride None is the window's size."""

    def __init__(self, size=2, stride=None):
        self.size, self.stride = size, stride

    def forward(self, x):
        return ops.max_pool2d(x, self.size, self.stride)


class AvgPool2d(Module):
    """The mean of each window."""

    def __init__(self, size=2, stride=None):
        self.size, self.stride = size, stride

    def forward(self, x):
        return ops.avg_pool2d(x, self.size, self.stride)


class GlobalAvgPool2d(Module):
    """The mean of each map: (rows, cols, batch, channels) -> (batch, channels)."""

    def forward(self, x):
        return ops.global_avg_pool2d(x)
