"""Initial weights, by fan-in.

A weight is normal with standard deviation gain / sqrt(fan_in), fan_in the number of inputs that one output sums over
(c_in * k * k for a convolution, the number of features for a linear layer): the outputs then have about the inputs'
variance, whatever the sizes (LeCun et al., "Efficient BackProp", 1998). Biases start at zero.
"""

import math

import numpy as np

from specframe.layers.module import Parameter


def generator(rng):
    """A NumPy Generator from None (seed 0), a seed, or a Generator."""
    return np.random.default_rng(0 if rng is None else rng)


def fan_in_normal(rng, shape, gain=1.0, dtype=np.float32):
    """A weight of `shape` = (out, in, ...) as a Parameter."""
    std = gain / math.sqrt(math.prod(shape[1:]))
    return Parameter((generator(rng).standard_normal(shape) * std).astype(dtype))


def zeros(n, dtype=np.float32):
    """A bias as a Parameter."""
    return Parameter(np.zeros(n, dtype))
