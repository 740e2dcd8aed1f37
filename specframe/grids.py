"""Which grid: how far maps are padded before they are transformed."""

from typing import Any

import numpy as np


def check_grid(grid: Any, op: str) -> tuple[int, int]:
    """The grid as a tuple of two ints, or a sentence that names the op."""
    pair = tuple(grid) if isinstance(grid, tuple | list) else ()
    if len(pair) != 2:
        raise ValueError(f"{op}: a grid is a pair (P, W), got {grid!r}")
    return int(pair[0]), int(pair[1])


def fast_length(n: int) -> int:
    """The smallest length from n on whose only prime factors are 2, 3 and 5: what a real FFT does fastest.

    >>> [fast_length(n) for n in (19, 35, 37)]
    [20, 36, 40]
    """
    while True:
        rest = n
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return n
        n += 1


def choose_grid(
    size: tuple[int, ...], kernel_size: int, grid: Any = "fast", stride: int = 1, margin: int | None = None
) -> tuple[int, int]:
    """The grid (P, W) for maps of `size` = (rows, cols) and square kernels of `kernel_size`.

    Parameters
    ----------
    grid : str, int or (int, int)
        "linear"    rows + k - 1: linear convolution, as in section 3.1 of the paper
        "fast"      that, rounded up to a length the FFT likes
        "same"      rows + k//2: the smallest grid on which the cropped result is still the linear one: what wraps
                    around falls outside the crop (docs/errata.md, "grid")
        "paper"     rows + k: Table 1's 35 and 19
        "circular"  rows, or k if that is more: no padding, the kernel wraps around the border
        a number, or a pair, fixes it
    stride : int
        The grid is rounded up to a multiple of it.
    margin : int or None
        Rows and columns of padding for "linear" and "fast", in place of k - 1: a block of several convolutions needs
        the sum of theirs if nothing is to wrap around.

    >>> choose_grid((28, 28), 5), choose_grid((28, 28), 5, "same"), choose_grid((32, 32), 3, "paper")
    ((32, 32), (30, 30), (35, 35))
    """
    k = kernel_size
    linear = k - 1 if margin is None else margin
    if isinstance(grid, str):
        margins = {"linear": linear, "fast": linear, "same": k // 2, "paper": k, "circular": 0}
        if grid not in margins:
            raise ValueError(f"unknown grid {grid!r}: choose {', '.join(margins)}, a number or a pair")
        chosen = [max(n + margins[grid], k) for n in size]
        if grid == "fast":
            chosen = [fast_length(n) for n in chosen]
    else:
        chosen = [int(grid)] * 2 if isinstance(grid, int | np.integer) else [int(n) for n in grid]
        if len(chosen) != 2:
            raise ValueError(f"a grid is a name, a number or a pair (P, W), got {grid!r}")
    chosen = [-(-n // stride) * stride for n in chosen]
    if chosen[0] < size[0] or chosen[1] < size[1]:
        raise ValueError(f"a grid of {tuple(chosen)} cannot hold maps of {tuple(size)}")
    return chosen[0], chosen[1]
