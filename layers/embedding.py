"""Embedding: a learned vector for each of a number of things."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import init
from specframe.layers.checks import whole
from specframe.layers.module import Module
from specframe.tensor import Tensor


class Embedding(Module):
    """Rows of a matrix by number: integers of any shape -> that shape with an axis of `size` behind.

    Parameters
    ----------
    count, size : int, of the vectors and of their entries
    rng, dtype : as in Linear. The vectors start from a standard normal distribution.

    Attributes
    ----------
    weight : Parameter (count, size)

    Raises
    ------
    ValueError
        A size that is no whole number above 0; in a call, numbers that are not from 0 to count - 1.
    """

    def __init__(self, count: int, size: int, *, rng: init.Seed = None, dtype: DTypeLike = np.float32) -> None:
        whole(self, count=count, size=size)
        self.count, self.size = count, size
        self.weight = init.normal(rng, (count, size), dtype)

    def forward(self, indices: Any) -> Tensor:
        return ops.embedding(indices, self.weight)
