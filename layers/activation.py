"""Activations in space, and what rearranges or drops entries: ReLU, Tanh, Dropout, Flatten."""

import itertools

import numpy as np

from specframe import backend, ops
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

    Every forward draws anew, from (seed, number of draws so far), and each slice of a batch by its number besides. The
    first two are part of the state, so a resumed run draws what the unbroken one would have.

    Parameters
    ----------
    p : float in [0, 1]
    seed : int or None
        None numbers the Dropout layers of a process, so that no two of them draw alike.
    """

    buffer_names = ("key",)
    _numbers = itertools.count()

    def __init__(self, p=0.5, seed=None):
        self.p = p
        self.key = np.array([next(self._numbers) if seed is None else seed, 0], np.int64)

    def forward(self, x):
        return ops.dropout(x, self.p, self._draw) if self.training else x

    def _draw(self):
        """The key of this forward; counts it."""
        key = tuple(int(number) for number in backend.to_host(self.key))
        self.key = backend.of("Dropout", self.key).asarray(np.array([key[0], key[1] + 1]))
        return key


class Flatten(Module):
    """(rows, cols, batch, channels) -> (batch, channels * rows * cols), features in PyTorch's order."""

    def forward(self, x):
        rows, cols, batch, channels = x.shape
        return ops.reshape(ops.transpose(x, (2, 3, 0, 1)), (batch, channels * rows * cols))
