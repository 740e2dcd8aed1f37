"""What ops ask of their inputs before they run: axes that are there, numbers that they can work with."""

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from specframe.op import check_tensors
from specframe.tensor import Tensor

Axis = int | Sequence[int] | None


def axes_of(op: str, x: Tensor, axis: Axis) -> tuple[int, ...]:
    """`axis` (one, several, or None for all of them) as a tuple, counted from 0.

    Raises
    ------
    ValueError
        An axis is not there, or is named twice.
    """
    check_tensors(op, x)
    given = range(x.ndim) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    try:
        given = [operator.index(i) for i in given]
    except TypeError:
        raise TypeError(f"{op}: expected an axis, several or None, got {axis!r}") from None
    if any(not -x.ndim <= i < x.ndim for i in given):
        raise ValueError(f"{op}: axis {axis} is not among the {x.ndim} axes of {x.shape}")
    axes = tuple(i % x.ndim for i in given)
    if len(set(axes)) != len(axes):
        raise ValueError(f"{op}: axis {axis} names one of the {x.ndim} axes twice")
    return axes


def integers(op: str, given: tuple[Any, ...]) -> tuple[int, ...]:
    """Arguments as 3, -1 or (3, -1), as a tuple."""
    if len(given) == 1 and isinstance(given[0], Iterable):
        given = tuple(given[0])
    try:
        return tuple(operator.index(n) for n in given)
    except TypeError:
        raise TypeError(f"{op}: expected whole numbers, got {given}") from None


def floating(op: str, x: Tensor) -> Tensor:
    """x, integers as float64: they have no gradient to lose."""
    check_tensors(op, x)
    return x if x.dtype.kind in "fc" else Tensor(x.data.astype(np.float64))


def real(op: str, x: Tensor) -> Tensor:
    """As `floating`; complex numbers are refused."""
    x = floating(op, x)
    if x.dtype.kind == "c":
        raise ValueError(f"{op}: expected real numbers, got {x.dtype}")
    return x
