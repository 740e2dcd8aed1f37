"""Conv2d: a learned convolution in space."""

import numpy as np

from specframe import ops
from specframe.layers import init
from specframe.layers.module import Module


class Conv2d(Module):
    """Cross-correlation, (rows, cols, batch, c_in) -> (rows', cols', batch, c_out).

    Parameters
    ----------
    c_in, c_out, kernel_size : int
    stride : int
    padding : int, "same" or ((top, bottom), (left, right)), as in ops.conv2d
    bias, gain, rng, dtype : as in Linear
    """

    def __init__(
        self, c_in, c_out, kernel_size, stride=1, padding=0, bias=True, *, gain=1.0, rng=None, dtype=np.float32
    ):
        self.stride, self.padding = stride, padding
        self.weight = init.fan_in_uniform(rng, (c_out, c_in, kernel_size, kernel_size), gain, dtype)
        self.bias = init.zeros(c_out, dtype) if bias else None

    def forward(self, x):
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding)
