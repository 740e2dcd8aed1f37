"""What the ops on maps ask of their arguments."""

import operator
from typing import Any

from specframe.op import check_tensors
from specframe.tensor import Tensor


def check_maps(op: str, x: Tensor, *parameters: Tensor | None) -> None:
    """Refuse what is no batch of real maps, and parameters that are no Tensors."""
    check_tensors(op, x, *parameters)
    if x.ndim != 4 or x.dtype.kind != "f":
        raise ValueError(f"{op}: expected real maps (rows, cols, batch, channels), got {x.shape} {x.dtype}")


def pair(op: str, name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """(for rows, for columns) from one whole number or two.

    Raises
    ------
    ValueError
        Anything else, or a number below `least`.
    """
    try:
        rows, cols = value if isinstance(value, tuple | list) else (value, value)
        numbers = operator.index(rows), operator.index(cols)
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or min(numbers) < least:
        raise ValueError(f"{op}: the {name} must be {least} or more, or two such for rows and columns, got {value!r}")
    return numbers
