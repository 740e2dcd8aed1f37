"""Digits: 1 797 handwritten digits that come with the package, a stand-in for MNIST without files or network.

The originals are 8 x 8 with values 0 to 16 (see DIGITS.md for where they come from). They are enlarged by bilinear
interpolation to 20 x 20 and set into the middle of 28 x 28, as MNIST's own digits lie, so that the same nets fit.
The set is small and easy: a figure reached on it is no MNIST figure.
"""

import hashlib
import io
from pathlib import Path
from typing import ClassVar

import numpy as np

from specframe.data.dataset import Dataset, check_split
from specframe.data.published import DataError

FILE = Path(__file__).with_name("digits.npz")
SIZE, SHA256 = 45_394, "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"

TEST_SIZE = 360  # the last ones of the file's order, a fifth
BOX, BORDER = 20, 4  # pixels: 4 + 20 + 4 = 28


class Digits(Dataset):
    """The bundled digits: `images` (N, 1, 28, 28) float32 in [0, 1], `labels` (N,) int64, 0 to 9.

    Parameters
    ----------
    split : {"train", "test"}
        The first 1 437 or the last 360 of the 1 797, in the file's order.

    Raises
    ------
    ValueError
        Another split.
    DataError
        The file that came with the package is gone or damaged.

    >>> Digits("test")
    <Digits test: 360 images of shape (1, 28, 28), 10 classes>
    """

    SHAPE: ClassVar = (1, 28, 28)
    CLASSES: ClassVar = tuple("0123456789")

    def __init__(self, split: str = "train") -> None:
        check_split("Digits", split)
        part = slice(None, -TEST_SIZE) if split == "train" else slice(-TEST_SIZE, None)
        with np.load(io.BytesIO(_content())) as file:
            images, labels = file["images"][part], file["labels"][part]
        images = enlarge(images.astype(np.float32) / 16, BOX)
        images = np.pad(images, ((0, 0), (BORDER, BORDER), (BORDER, BORDER)))[:, None]
        super().__init__(images, labels, 10, f"Digits {split}", self.CLASSES)


def _content() -> bytes:
    """The bytes of the bundled file, which must be all right: np.load promises nothing of a damaged one."""
    try:
        with open(FILE, "rb") as file:
            content = file.read(SIZE + 1)
    except OSError as error:
        raise DataError(f"{FILE}: the file cannot be read: {error.strerror}; install specframe again") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError(f"{FILE}: the file is damaged (another SHA-256): install specframe again")
    return content


def enlarge(images: np.ndarray, size: int) -> np.ndarray:
    """Bilinear interpolation of (N, n, n) images to (N, size, size); dtype kept.

    The new pixels' centres are spread evenly over the old image. Those outside the outermost old centres take the
    outermost value. Interpolation is linear along each axis, so it is a product with one (size, n) matrix from each
    side.
    """
    n = images.shape[-1]
    centres = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    weights = np.maximum(1 - abs(centres[:, None] - np.arange(n)), 0).astype(images.dtype)
    return weights @ images @ weights.T
