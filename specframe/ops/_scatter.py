"""The adjoint of taking entries out of an array: zeros, with values added where the entries were."""

import math
from typing import Any


def scatter_add(xp: Any, shape: tuple[int, ...], positions: Any, values: Any) -> Any:
    """An array of `shape` with `values` added at flat `positions`; several at one position add up."""
    if values.dtype.kind == "c":  # CuPy adds real numbers only
        return scatter_add(xp, shape, positions, values.real) + 1j * scatter_add(xp, shape, positions, values.imag)
    y = xp.zeros(math.prod(shape), values.dtype)
    xp.add.at(y, positions.reshape(-1), values.reshape(-1))
    return y.reshape(shape)
