"""Augmentation: random crops and flips, of a whole batch at once.

    Augment        both, as the `transform` of a DataLoader
    random_crop    each image moved by up to `pad` pixels
    random_flip    half of the images mirrored

The arrays are (batch, channels, rows, cols), NumPy's or CuPy's. Random numbers are drawn on the host and few (three an
image), so a key gives the same on both.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specframe import backend


@dataclass(frozen=True)
class Augment:
    """The standard augmentation of CIFAR-10: pad with zeros, crop at random to the old size, mirror half of the images.

    Zero is the mean colour where the data set is normalised. Not for digits, which a mirror makes into other signs.

    Parameters
    ----------
    pad : int
        Pixels on each side; 0 for no crop.
    flip : bool
        Whether to mirror, left to right.

    Raises
    ------
    ValueError
        A negative or fractional `pad`; when called, an array without four axes.

    >>> images = np.arange(1, 5, dtype=np.float32).reshape(1, 1, 2, 2)
    >>> Augment(pad=1)(images, key=(0, 0, 5))[0, 0]  # moved down by one, not mirrored
    array([[0., 0.],
           [1., 2.]], dtype=float32)
    """

    pad: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        try:
            right = operator.index(self.pad) >= 0
        except TypeError:
            right = False
        if not right:
            raise ValueError(f"Augment: expected pad to be a whole number of at least 0, got {self.pad!r}")

    def __call__(self, x: Any, key: Sequence[int]) -> Any:
        """The augmented batch, of x's shape and dtype; x stays as it is.

        key is a sequence of integers; the same key gives the same crops and flips.
        """
        if x.ndim != 4:
            raise ValueError(f"Augment: expected an array (batch, channels, rows, cols), got one of shape {x.shape}")
        rng = np.random.default_rng([*key, 1])  # the 1: see DataLoader
        if self.pad:
            x = random_crop(x, self.pad, rng)
        return random_flip(x, rng) if self.flip else x


def random_crop(x: Any, pad: int, rng: np.random.Generator) -> Any:
    """Each image at a random place, of (2 pad + 1)^2, in its own version that is padded with `pad` zeros on each side.

    Parameters
    ----------
    x : (batch, channels, rows, cols) array
    pad : int
    rng : numpy.random.Generator

    Returns
    -------
    array of x's shape and dtype
    """
    be = backend.of("random_crop", x)
    n, channels, rows, cols = x.shape
    padded = be.xp.zeros((n, channels, rows + 2 * pad, cols + 2 * pad), x.dtype)
    padded[:, :, pad : pad + rows, pad : pad + cols] = x
    windows = be.xp.lib.stride_tricks.sliding_window_view(padded, (rows, cols), axis=(2, 3))  # a view: no copies yet
    top, left = be.asarray(rng.integers(0, 2 * pad + 1, (2, n)))
    return windows[be.xp.arange(n), :, top, left]


def random_flip(x: Any, rng: np.random.Generator) -> Any:
    """Each image mirrored, left to right, with probability 1/2.

    Parameters and result as for `random_crop`.
    """
    be = backend.of("random_flip", x)
    mirror = be.asarray(rng.integers(0, 2, len(x), dtype=bool))
    return be.xp.where(mirror[:, None, None, None], x[..., ::-1], x)
