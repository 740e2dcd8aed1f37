"""Tensors from data (tensor), of one number (zeros, ones, full), in steps (arange), of random numbers (randn, rand).

float32 unless another dtype is given, as in PyTorch; only `tensor` keeps that of its data. Random numbers come from the
process's stream (random.py) and are drawn on the host, so that `manual_seed` gives the same ones on every device.
"""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from specframe import backend
from specframe.random import generator
from specframe.tensor import Tensor


def tensor(data: Any, dtype: DTypeLike | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor of a copy of `data`.

    Parameters
    ----------
    data : number, nested sequence, array, or Tensor, of which the numbers are taken
    dtype : None for that of `data`; Python floats are float64, as in NumPy
    device : "cpu", "cuda", "auto", or None: where `data` is

    >>> tensor([[1, 2], [3, 4]])
    Tensor([[1, 2],
            [3, 4]])
    """
    array = data.data if isinstance(data, Tensor) else data
    if dtype is not None and getattr(array, "dtype", np.dtype(float)).kind == "b":
        array = array.astype(dtype)
    source = Tensor(array)
    b = source.backend if device is None else backend.get(device)
    return Tensor(b.asarray(source.data).astype(source.dtype if dtype is None else dtype), requires_grad)


def zeros(*shape: Any, dtype: DTypeLike = np.float32, device: Any = "cpu", requires_grad: bool = False) -> Tensor:
    """zeros(2, 3) or zeros((2, 3))."""
    return full(_shape("zeros", shape), 0, dtype, device, requires_grad)


def ones(*shape: Any, dtype: DTypeLike = np.float32, device: Any = "cpu", requires_grad: bool = False) -> Tensor:
    """ones(2, 3) or ones((2, 3))."""
    return full(_shape("ones", shape), 1, dtype, device, requires_grad)


def full(
    shape: Any, value: complex, dtype: DTypeLike | None = None, device: Any = "cpu", requires_grad: bool = False
) -> Tensor:
    """`value` everywhere. Without a dtype a whole number makes int64, another float32 or complex64."""
    dtype = _dtype_of("full", value) if dtype is None else dtype
    return Tensor(backend.get(device).xp.full(_shape("full", (shape,)), value, dtype), requires_grad)


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None, device: Any = "cpu",
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, ... as long as it is below stop; arange(stop) begins at 0. Whole numbers make int64, others
    float32.

    >>> arange(3)
    Tensor([0, 1, 2])
    """
    start, stop = (0, start) if stop is None else (start, stop)
    if step == 0:
        raise ValueError("arange: the step is 0")
    if dtype is None:
        dtype = np.float32 if any(_dtype_of("arange", n) != np.int64 for n in (start, stop, step)) else np.int64
    return Tensor(backend.get(device).asarray(np.arange(start, stop, step).astype(dtype)), requires_grad)


def randn(*shape: Any, dtype: DTypeLike = np.float32, device: Any = "cpu", requires_grad: bool = False) -> Tensor:
    """Numbers with the standard normal distribution: randn(2, 3) or randn((2, 3)). float32 or float64."""
    draw: Any = generator().standard_normal
    return Tensor(backend.get(device).asarray(draw(_shape("randn", shape), dtype)), requires_grad)


def rand(*shape: Any, dtype: DTypeLike = np.float32, device: Any = "cpu", requires_grad: bool = False) -> Tensor:
    """Numbers spread evenly over [0, 1): rand(2, 3) or rand((2, 3)). float32 or float64."""
    draw: Any = generator().random
    return Tensor(backend.get(device).asarray(draw(_shape("rand", shape), dtype)), requires_grad)


def _shape(op: str, given: tuple[Any, ...]) -> tuple[int, ...]:
    """The arguments 2, 3 or (2, 3) as a tuple."""
    if len(given) == 1 and isinstance(given[0], Iterable):
        given = tuple(given[0])
    try:
        shape = tuple(operator.index(n) for n in given)
    except TypeError:
        raise TypeError(f"{op}: a shape is of whole numbers, got {given}") from None
    if any(n < 0 for n in shape):
        raise ValueError(f"{op}: a shape has no negative numbers, got {shape}")
    return shape


def _dtype_of(op: str, number: Any) -> type:
    number = number.item() if isinstance(number, np.generic) else number
    for kind, dtype in ((int, np.int64), (float, np.float32), (complex, np.complex64)):
        if isinstance(number, kind):
            return dtype
    raise TypeError(f"{op}: expected a number, got {type(number).__name__}")
