"""What constructors refuse: a layer says when it is made what its first batch would stumble over."""

from typing import Any

import numpy as np


def is_whole(value: Any, least: int) -> bool:
    """Whether this is a whole number, `least` or more."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)


def whole(owner: object, least: int = 1, **numbers: Any) -> None:
    """Refuse, by name, what is no whole number of `least` or more."""
    for name, value in numbers.items():
        if not is_whole(value, least):
            raise ValueError(f"{type(owner).__name__}: {name} must be a whole number, {least} or more, got {value!r}")


def whole_or_pair(owner: object, **numbers: Any) -> None:
    """Refuse, by name, what is neither a whole number of 1 or more nor a pair (rows, cols) of them."""
    for name, value in numbers.items():
        if len(pair(value)) != 2 or not all(is_whole(each, 1) for each in pair(value)):
            raise ValueError(
                f"{type(owner).__name__}: {name} must be a whole number, 1 or more, or a pair of them, got {value!r}"
            )


def between(owner: object, low: float, high: float, **numbers: Any) -> None:
    """Refuse, by name, what is no number from `low` to `high`."""
    for name, value in numbers.items():
        if not (isinstance(value, int | float | np.number) and low <= value <= high):  # also refuses NaN
            raise ValueError(f"{type(owner).__name__}: {name} must be a number from {low} to {high}, got {value!r}")


def pair(value: Any) -> tuple[Any, ...]:
    """(rows, cols): two times a value that stands for both, or the values of a tuple."""
    return tuple(value) if isinstance(value, tuple | list) else (value, value)
