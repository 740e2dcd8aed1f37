"""Linear: a learned matrix and bias."""

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import init
from specframe.layers.checks import whole
from specframe.layers.layout import check_precision
from specframe.layers.module import Module
from specframe.tensor import Tensor


class Linear(Module):
    """y = x @ weight^T + bias, (..., n_in) -> (..., n_out), for images usually (batch, n_in).

    Parameters
    ----------
    n_in, n_out : int
    bias : bool
    gain : float, scales the initial weights (layers/init.py)
    rng : seed, numpy Generator or None, which draws a new seed (specframe/random.py)
    dtype : float32 or float64

    Attributes
    ----------
    weight : Parameter (n_out, n_in)
    bias : Parameter (n_out,) or None

    Raises
    ------
    ValueError
        A size that is no whole number above 0; in a call, another number of features or another precision.
    """

    def __init__(
        self, n_in: int, n_out: int, bias: bool = True, *, gain: float = 1.0, rng: init.Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        whole(self, n_in=n_in, n_out=n_out)
        self.n_in, self.n_out = n_in, n_out
        self.weight = init.fan_in_uniform(rng, (n_out, n_in), gain, dtype)
        self.bias = init.zeros(n_out, dtype) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.n_in,):
            raise ValueError(
                f"Linear: expected (batch, {self.n_in}), got {x.shape}; after Flatten, another number of features "
                "means images of another size"
            )
        check_precision(self, x, self.weight)
        if x.ndim == 2:
            return ops.linear(x, self.weight, self.bias)
        flat = ops.linear(ops.reshape(x, (-1, self.n_in)), self.weight, self.bias)
        return ops.reshape(flat, (*x.shape[:-1], self.n_out))
