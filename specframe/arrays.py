"""Which arrays a Tensor holds, and why it refuses others."""

from typing import Any

import numpy as np

from specframe import backend
from specframe.methods import Methods


def array(value: Any) -> Any:
    """NumPy makes a scalar where a 0-d array was computed with; here it stays an array."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def taken(array: Any, requires_grad: bool) -> Any:
    """The array that a Tensor made of this one holds; Tensor says what it may be."""
    if type(array) is not np.ndarray:
        array = _plain(array)
    if array.dtype.kind not in "fcui":
        raise TypeError(f"Tensor: expected an array of numbers, got dtype {array.dtype}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if requires_grad and array.dtype.kind not in "fc":
        raise TypeError(f"Tensor: only floating-point arrays can require a gradient, got {array.dtype}")
    return array


def _plain(array: Any) -> Any:
    """What is no NumPy array yet, as one, or an array of a device as it is."""
    if isinstance(array, Methods):
        raise TypeError("Tensor: got a Tensor; pass its .data to make a new leaf of the same array")
    if isinstance(array, list | tuple) and any(isinstance(item, Methods) for item in array):
        raise TypeError("Tensor: got a sequence of Tensors; sf.ops.stack makes one of them, and keeps their gradients")
    if isinstance(array, int | float | complex | np.generic | list | tuple | np.memmap):
        array = np.asarray(array)  # of a memmap: a plain view
    if array is None:
        raise TypeError("Tensor: expected a NumPy or CuPy array, got NoneType")
    backend.of("Tensor", array)
    return array
