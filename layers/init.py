"""Initial weights, by fan-in.

A weight is uniform in +- gain / sqrt(fan_in), fan_in the number of inputs that one output sums over (c_in * kr * kc for
a convolution, the number of features for a linear layer), so that the spread of the outputs does not depend on the
sizes: it is 1 / sqrt(3) of the inputs'. This is also what PyTorch's layers start from. Spectra start smaller than under
the usual unit spread, and stay sparser at the same accuracy (docs/lenet.md). Biases start at zero.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from specframe import random
from specframe.layers.parameter import Parameter

Seed: TypeAlias = int | np.random.Generator | None  # None: another one each time (specframe/random.py)


def generator(rng: Seed) -> np.random.Generator:
    """A NumPy Generator from a seed, from a Generator (itself), or from None: one like no other."""
    return random.generator() if rng is None else np.random.default_rng(rng)


def fan_in_uniform(rng: Seed, shape: tuple[int, ...], gain: float = 1.0, dtype: DTypeLike = np.float32) -> Parameter:
    """A weight of `shape` = (out, in, ...) as a Parameter."""
    bound = gain / math.sqrt(math.prod(shape[1:]))
    return Parameter(generator(rng).uniform(-bound, bound, shape).astype(real(dtype)))


def normal(rng: Seed, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Parameter:
    """Vectors of a standard normal distribution as a Parameter."""
    return Parameter(generator(rng).standard_normal(shape).astype(real(dtype)))


def zeros(shape: int | tuple[int, ...], dtype: DTypeLike = np.float32) -> Parameter:
    """A bias as a Parameter."""
    return Parameter(np.zeros(shape, real(dtype)))


def ones(shape: int | tuple[int, ...], dtype: DTypeLike = np.float32) -> Parameter:
    """The factors of a normalisation as a Parameter."""
    return Parameter(np.ones(shape, real(dtype)))


def real(dtype: DTypeLike) -> np.dtype:
    """float32 or float64; ValueError for another precision."""
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"layers: the dtype must be float32 or float64, got {dtype}")
    return dtype
