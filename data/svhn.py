"""SVHN: 73 257 + 26 032 colour images of house numbers, 32 x 32, cropped around one digit (Netzer and others).

The files are the two published .mat files of the cropped digits. (The third, 531 131 easier "extra" images, would take
6.5 GB here and is left out.) Where they are looked for, and when they are downloaded, is written in
`specframe.data.files`. Each holds two variables:

    X    (32, 32, 3, N) uint8      rows, columns, red green blue, images
    y    (N, 1), any numbers       1 to 10, where 10 means the digit 0
"""

import os
from pathlib import Path
from typing import ClassVar

import numpy as np

from specframe.data.dataset import Dataset, check_split, write_pixels
from specframe.data.files import obtain
from specframe.data.mat import read_mat
from specframe.data.published import DataError, DataFile, notice_other_checksum

MIRROR = "http://ufldl.stanford.edu/housenumbers/"


def _file(name, size, sha256):
    return DataFile(name, size, sha256, (MIRROR + name,))


FILES = {
    "train": _file("train_32x32.mat", 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
    "test": _file("test_32x32.mat", 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
}

MOST_IMAGES = 73_257  # in a file

# Of the training set's pixels, 0 to 1, for red, green and blue, as in common use; a test compares them with the
# real file where it is at hand.
MEAN, STD = (0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)


class SVHN(Dataset):
    """The SVHN digits: `images` (N, 3, 32, 32) float32, `labels` (N,) int64, the digits 0 to 9.

    Train on them without augmentation, as is usual: a mirrored digit is none.

    Parameters
    ----------
    split : {"train", "test"}
        73 257 images (900 MB) or 26 032.
    data_dir : path, optional
        The folder that holds the files, itself or in its sub-folder `svhn`; then no other is searched.
    download : bool
        Whether to download a file that is not found; never done when `data_dir` is given.
    normalize : bool
        Whether to subtract the mean of each channel over the training set and divide by its standard deviation (both
        splits by the same, published constants, `MEAN` and `STD`). Otherwise the images are in [0, 1], `mean` is 0
        and `std` 1.

    Attributes
    ----------
    mean, std : (3,) float32 arrays
        What each channel was normalised with: `images * std + mean`, channel by channel, is in [0, 1].

    Raises
    ------
    ValueError
        Another split.
    DataError
        The file is not found and cannot be downloaded, or it is damaged. One with another checksum but the right
        structure is accepted, with a notice on stderr.
    """

    SHAPE: ClassVar = (3, 32, 32)
    CLASSES: ClassVar = tuple("0123456789")
    MEAN: ClassVar = MEAN
    STD: ClassVar = STD

    def __init__(
        self,
        split: str = "train",
        data_dir: str | os.PathLike[str] | None = None,
        download: bool = True,
        normalize: bool = True,
    ) -> None:
        check_split("SVHN", split)
        (path,) = obtain("svhn", [FILES[split]], data_dir, download)
        pixels, digits = _read(path)
        notice_other_checksum(path, FILES[split])
        mean, std = (MEAN, STD) if normalize else (0, 1)
        images = np.empty((len(digits), 3, 32, 32), np.float32)
        write_pixels(pixels.transpose(3, 2, 0, 1), images, mean, std)
        super().__init__(images, digits, 10, f"SVHN {split}", self.CLASSES, mean, std)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images, (32, 32, 3, N) uint8, and digits, (N,) int64 from 0 to 9, in one of the files."""
    variables = read_mat(path, ("X", "y"), limit=MOST_IMAGES * 32 * 32 * 3)
    pixels, labels = variables["X"], variables["y"]
    if pixels.dtype != np.uint8 or pixels.shape[:3] != (32, 32, 3) or pixels.ndim != 4 or pixels.size == 0:
        raise DataError(
            f"{path}: expected X to be uint8 of shape (32, 32, 3, N), N >= 1, got {pixels.dtype} of {pixels.shape}"
        )
    if labels.shape != (pixels.shape[3], 1):
        raise DataError(f"{path}: expected y to be of shape ({pixels.shape[3]}, 1), got {labels.shape}")
    labels = labels[:, 0]
    wrong = labels[~np.isin(labels, np.arange(1, 11))]
    if len(wrong):
        raise DataError(f"{path}: expected labels 1 to 10, got {wrong[0]}")
    return pixels, labels.astype(np.int64) % 10
