"""Activations in space, and what rearranges or drops entries: ReLU, Tanh, Dropout, Flatten."""

import numpy as np

from specframe import ops
from specframe.layers.module import Module


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x):
        return ops.relu(x)


class Tanh(Module):
    """tanh(x)."""

    def forward(self, x):
        return ops.tanh(x)


class Dropout(Module):
    """In training, zero each entry with probability p and scale the others by 1 / (1 - p).

    Every forward draws anew, from (seed, number of draws so far). The count is part of the state, so a resumed run
    draws what the unbroken one would have.
    """

    buffer_names = ("draws",)

    def __init__(self, p=0.5, seed=0):
        self.p, self.seed = p, seed
        self.draws = np.zeros(1, np.int64)

    def forward(self, x):
        if not self.training:
            return x
        key = (self.seed, int(self.draws[0]))
        self.draws = self.draws + 1
        return ops.dropout(x, self.p, key)


class Flatten(Module):
    """(rows, cols, batch, channels) -> (batch, channels * rows * cols), features in PyTorch's order."""

    def forward(self, x):
        rows, cols, batch, channels = x.shape
        return ops.reshape(ops.transpose(x, (2, 3, 0, 1)), (batch, channels * rows * cols))
