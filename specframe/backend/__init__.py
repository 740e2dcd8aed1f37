"""NumPy or CuPy: the only package that knows which.

A `Backend` is one device with everything that has to match it: the array module `xp`, the FFT, the sparse
arrays, random numbers, transfers, matrix products and the measurement of memory. Ops ask for the backend of their
arrays (`backend.of("relu", x)`) and never look at array types themselves. CuPy is imported when a GPU is first asked
for, not before: importing specframe costs no GPU work and needs no CuPy.

    backend.get("auto" | "cpu" | "cuda")    the backend of a device
    backend.of("op", a, b, ...)             the backend all the arrays belong to; a mix is refused
"""

from specframe.backend.base import Backend, BrokenDeviceError, DeviceError, constant
from specframe.backend.cpu import CPU
from specframe.backend.cuda import CUDA
from specframe.backend.kernel import Kernel
from specframe.backend.registry import get, of, register, to_host

__all__ = [
    "CPU", "CUDA", "Backend", "BrokenDeviceError", "DeviceError", "Kernel", "constant", "get", "of", "register",
    "to_host",
]  # fmt: skip
