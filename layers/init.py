"""Initial weights, by fan-in.

A weight is uniform in +- gain / sqrt(fan_in), fan_in the number of inputs that one output sums over (c_in * k * k for a
convolution, the number of features for a linear layer), so that the spread of the outputs does not hang on the sizes:
it is 1 / sqrt(3) of the inputs'. This is also what PyTorch's layers start from. Spectra start smaller than under the
usual unit spread, and stay sparser at the same accuracy (docs/lenet.md). Biases start at zero.
"""

import math

import numpy as np

from specframe.layers.module import Parameter


def generator(rng):
    """A NumPy Generator from None (seed 0), a seed, or a Generator."""
    return np.random.default_rng(0 if rng is None else rng)


def fan_in_uniform(rng, shape, gain=1.0, dtype=np.float32):
    """A weight of `shape` = (out, in, ...) as a Parameter."""
    bound = gain / math.sqrt(math.prod(shape[1:]))
    return Parameter(generator(rng).uniform(-bound, bound, shape).astype(dtype))


def zeros(n, dtype=np.float32):
    """A bias as a Parameter."""
    return Parameter(np.zeros(n, dtype))
