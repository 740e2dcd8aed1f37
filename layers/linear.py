"""Linear: a learned matrix and bias."""

import numpy as np

from specframe import ops
from specframe.layers import init
from specframe.layers.module import Module


class Linear(Module):
    """y = x @ weight^T + bias, (batch, n_in) -> (batch, n_out).

    Parameters
    ----------
    n_in, n_out : int
    bias : bool
    gain : float, scales the initial weights (layers/init.py)
    rng : seed, numpy Generator or None
    dtype : float32 or float64
    """

    def __init__(self, n_in, n_out, bias=True, *, gain=1.0, rng=None, dtype=np.float32):
        self.weight = init.fan_in_uniform(rng, (n_out, n_in), gain, dtype)
        self.bias = init.zeros(n_out, dtype) if bias else None

    def forward(self, x):
        return ops.linear(x, self.weight, self.bias)
