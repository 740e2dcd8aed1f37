"""Tensors from data (tensor, from_dlpack), of one number (zeros, ones, full), in steps (arange), of random numbers
(randn, rand).

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


ON = {1: "cpu", 2: "cuda"}  # the devices of DLPack's that have a backend here


def from_dlpack(x: Any) -> Tensor:
    """A Tensor of the array of another library (PyTorch, JAX, CuPy, NumPy, ...), on the same memory.

    What is written into the one is seen in the other. The way back is the library's own: torch.from_dlpack(tensor).

    Parameters
    ----------
    x : anything with `__dlpack__`, on the CPU or a CUDA device; strided and read-only arrays as they are

    Raises
    ------
    TypeError
        No such thing, or numbers of a kind that NumPy does not have.
    ValueError
        The array is on a device of another kind.
    DeviceError
        It is on a CUDA device, and CuPy is not installed.

    >>> from_dlpack(np.arange(3.0)[::2])
    Tensor([0., 2.])
    """
    if isinstance(x, np.ndarray | Tensor):  # read-only ones too, which older versions of NumPy do not hand over
        return Tensor(x.data if isinstance(x, Tensor) else x)
    if not hasattr(x, "__dlpack__"):
        raise TypeError(f"from_dlpack: expected an array with __dlpack__, got {type(x).__name__}")
    kind = int(x.__dlpack_device__()[0])
    if kind not in ON:
        raise ValueError(
            f"from_dlpack: the array is on a device of kind {kind} (DLPack's number), expected CPU or CUDA"
        )
    try:
        return Tensor(backend.get(ON[kind]).xp.from_dlpack(x))
    except (BufferError, RuntimeError) as error:
        if isinstance(error, backend.DeviceError):
            raise
        raise TypeError(f"from_dlpack: {type(x).__name__} cannot be taken over: {error}") from error


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
