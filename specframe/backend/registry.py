"""Which backend: of a device by its name, of arrays by their type."""

import sys
import warnings
from typing import Any, TypeVar

import numpy as np

from specframe.backend.base import Backend, BrokenDeviceError, DeviceError
from specframe.backend.cpu import CPU
from specframe.backend.cuda import CUDA

B = TypeVar("B", bound=Backend)

_cpu = CPU()
_by_type: dict[type, Backend] = {np.ndarray: _cpu}
_cuda: CUDA | None = None


def register(backend: B) -> B:
    """Let `of` and `get` know a backend; tests register a strict stand-in for CuPy this way."""
    _by_type[backend.array_type] = backend
    return backend


def get(device: str | Backend = "auto") -> Backend:
    """The backend of a device.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"} or Backend
        "auto" is the GPU where CuPy finds one that computes, else the CPU, with a warning where a GPU was found.

    Raises
    ------
    DeviceError
        "cuda" without CuPy or without a GPU.
    ValueError
        Any other name.

    >>> get("cpu")
    <specframe backend cpu>
    """
    global _cuda
    if isinstance(device, Backend):
        return device
    if device == "cpu":
        return _cpu
    if device not in ("auto", "cuda"):
        raise ValueError(f"unknown device {device!r}: choose auto, cpu or cuda")
    if _cuda is None:
        try:
            _cuda = register(CUDA())
        except DeviceError as error:
            if device == "cuda":
                raise
            if isinstance(error, BrokenDeviceError):
                warnings.warn(f"{error}; going on with the CPU", stacklevel=2)
            return _cpu
    return _cuda


def _of_one(array: Any) -> Backend | None:
    found = _by_type.get(type(array))
    if found is None and sys.modules.get("cupy") is not None and isinstance(array, sys.modules["cupy"].ndarray):
        found = get("cuda")
    return found


def of(op: str, *arrays: Any) -> Backend:
    """The backend that all `arrays` belong to (None entries are skipped).

    Raises
    ------
    TypeError
        Naming `op`: an argument is no array, or the arrays live on different devices.
    """
    found = None
    for array in arrays:
        if array is None:
            continue
        backend = _by_type.get(type(array)) or _of_one(array)
        if backend is None:
            raise TypeError(f"{op}: expected a NumPy or CuPy array, got {type(array).__name__}")
        if found is not None and backend is not found:
            raise TypeError(
                f"{op}: got arrays on two devices ({found.name} and {backend.name}); move them to one with .to(device)"
            )
        found = backend
    return found  # type: ignore[return-value]  # an op has one array at least


def to_host(array: Any) -> Any:
    """A NumPy array with the content of `array`, whatever its device (sequences become arrays)."""
    backend = _of_one(array)
    return np.asarray(array) if backend is None else backend.to_host(array)
