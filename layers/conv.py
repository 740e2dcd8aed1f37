"""Conv2d: a learned convolution in space."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import init
from specframe.layers.checks import is_whole, pair, whole, whole_or_pair
from specframe.layers.layout import check_maps
from specframe.layers.module import Module
from specframe.tensor import Tensor

Size: TypeAlias = int | tuple[int, int]  # of rows and columns alike, or (rows, cols)
Padding: TypeAlias = str | Size | tuple[Size, Size]


class Conv2d(Module):
    """Cross-correlation, (rows, cols, batch, c_in) -> (rows', cols', batch, c_out).

    Parameters
    ----------
    c_in, c_out : int
    kernel_size : int or pair (rows, cols)
    stride : int or pair (rows, cols)
        A pair of two different numbers costs as much as none: all entries are computed, and those between left out.
    padding : int, pair (rows, cols), "valid" (none), "same" or ((top, bottom), (left, right)), as in ops.conv2d
    bias, gain, rng, dtype : as in Linear

    Attributes
    ----------
    weight : Parameter (c_out, c_in, kernel rows, kernel cols)
    bias : Parameter (c_out,) or None

    Raises
    ------
    ValueError
        A number or name out of range; in a call, maps of another layout, precision or number of channels, or smaller
        than the kernel.
    """

    def __init__(
        self, c_in: int, c_out: int, kernel_size: Size, stride: Size = 1, padding: Padding = 0, bias: bool = True, *,
        gain: float = 1.0, rng: init.Seed = None, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        whole(self, c_in=c_in, c_out=c_out)
        whole_or_pair(self, kernel_size=kernel_size, stride=stride)
        sides_of(padding)
        self.c_in, self.c_out, self.kernel_size, self.stride, self.padding = c_in, c_out, kernel_size, stride, padding
        self.weight = init.fan_in_uniform(rng, (c_out, c_in, *pair(kernel_size)), gain, dtype)
        self.bias = init.zeros(c_out, dtype) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        check_maps(self, x, self.weight, self.c_in)
        (rows, cols), around = pair(self.stride), sides_of(self.padding)
        if rows == cols:
            return ops.conv2d(x, self.weight, self.bias, rows, around)
        y = ops.conv2d(x, self.weight, self.bias, 1, around)
        return ops.avg_pool2d(y, 1, (rows, cols))  # windows of one entry: every rows-th row, every cols-th column


def sides_of(padding: Any) -> Any:
    """A padding as ops.conv2d takes it: "same" or ((top, bottom), (left, right))."""
    if padding == "same":
        return padding
    sides = tuple(pair(side) for side in pair(0 if padding == "valid" else padding))
    if len(sides) != 2 or not all(len(side) == 2 and all(is_whole(n, 0) for n in side) for side in sides):
        raise ValueError(
            "Conv2d: padding must be a whole number, 0 or more, (rows, cols), ((top, bottom), (left, right)), 'same' "
            f"or 'valid', got {padding!r}"
        )
    return sides
