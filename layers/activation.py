"""Activations in space, and what passes its input on: Identity, Flatten."""

from specframe import ops
from specframe.layers.module import Module
from specframe.tensor import Tensor


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.relu(x)


class LeakyReLU(Module):
    """x where it is positive, slope x elsewhere."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return ops.leaky_relu(x, self.slope)


class Tanh(Module):
    """tanh(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.sigmoid(x)


class GELU(Module):
    """x times the share of a standard normal distribution below x: x (1 + erf(x / sqrt(2))) / 2."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.gelu(x)


class Identity(Module):
    """x itself: the layer for a place where another net has one."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Flatten(Module):
    """(rows, cols, batch, channels) -> (batch, channels * rows * cols), features in PyTorch's order.

    Raises
    ------
    ValueError
        In a call, no four axes.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4:
            raise ValueError(f"Flatten: expected maps (rows, cols, batch, channels), got {x.shape}")
        rows, cols, batch, channels = x.shape
        return ops.reshape(ops.transpose(x, (2, 3, 0, 1)), (batch, channels * rows * cols))
