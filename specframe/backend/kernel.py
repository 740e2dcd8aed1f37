"""Kernel: one function of CUDA C++, compiled for the device when it is first launched.

The source says `real` for float or double, and `wide` for what sums are taken in. EACH(i, n) is the loop of a thread
over its share of 0 .. n - 1, right for any grid of blocks, one block of one thread included: so the same source, with
a few macros, is plain C++ too, and tests/kit/shim.py runs it on the CPU against the op's plain body.

Arguments are arrays (C-contiguous, passed by their address), ints (long long), floats (real), numbers of NumPy (as
they are: np.float64 for a `wide`), and structures of NumPy (by value): arrays of one entry with a dtype of several
fields.
"""

from typing import Any

import numpy as np

PRELUDE = """
typedef {real} real;
typedef double wide;
#define EACH(i, n) for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < (n); \\
                        i += (long long)gridDim.x * blockDim.x)
"""
THREADS = 256  # of a block
BLOCKS = 2048  # no more than fill a large card


class Kernel:
    """A CUDA kernel.

    Parameters
    ----------
    name : str, the function's
    source : str, `extern "C" __global__ void name(...)` and what it needs
    """

    def __init__(self, name: str, source: str) -> None:
        self.name, self._source = name, source

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    def source(self, real: Any) -> str:
        """The whole source for "float32" or "float64"."""
        return PRELUDE.replace("{real}", {"f": "float", "d": "double"}[np.dtype(real).char]) + self._source


def arguments(real: Any, args: Any) -> tuple[Any, ...]:
    """Numbers as the sources name them; arrays and structures as they are."""
    number = np.dtype(real).type
    return tuple(np.int64(arg) if type(arg) is int else number(arg) if type(arg) is float else arg for arg in args)


def blocks(count: int) -> int:
    """How many blocks a loop over `count` gets."""
    return max(1, min(BLOCKS, -(-count // THREADS)))
