"""MNIST: 60 000 + 10 000 handwritten digits, 28 x 28, one grey channel (LeCun, Cortes and Burges).

The files are the four published IDX files, as they are or unpacked. Where they are looked for, and when they are
downloaded, is written in `specframe.data.files`.
"""

import numpy as np

from specframe.data.dataset import Dataset, check_split
from specframe.data.files import DataError, DataFile, obtain
from specframe.data.idx import read_idx

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")


def _file(stem, size, sha256):
    plain = f"{stem}-ubyte"
    dotted = ".idx".join(plain.rsplit("-idx", 1))  # train-images.idx3-ubyte: some archives unpack to this spelling
    name = f"{plain}.gz"
    return DataFile(name, size, sha256, tuple(mirror + name for mirror in MIRRORS), (plain, dotted, f"{dotted}.gz"))


FILES = {  # split: images, labels
    "train": (
        _file("train-images-idx3", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        _file("train-labels-idx1", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ),
    "test": (
        _file("t10k-images-idx3", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        _file("t10k-labels-idx1", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
}


class MNIST(Dataset):
    """The MNIST digits: `images` (N, 1, 28, 28) float32 in [0, 1], `labels` (N,) int64, 0 to 9.

    Parameters
    ----------
    split : {"train", "test"}
        60 000 or 10 000 images.
    data_dir : path, optional
        The folder that holds the files, itself or in its sub-folder `mnist`; then no other is searched.
    download : bool
        Whether to download files that are not found; never done when `data_dir` is given.

    Raises
    ------
    ValueError
        Another split.
    DataError
        The files are not found and cannot be downloaded, or one is damaged, or the two do not belong together.
    """

    def __init__(self, split="train", data_dir=None, download=True):
        check_split("MNIST", split)
        images_path, labels_path = obtain("mnist", FILES[split], data_dir, download)
        images, labels = read_idx(images_path, ndim=3), read_idx(labels_path, ndim=1)
        if images.shape[1:] != (28, 28):
            raise DataError(f"{images_path}: expected images of shape (28, 28), got {images.shape[1:]}")
        if len(labels) != len(images):
            raise DataError(f"{labels_path}: expected {len(images)} labels, one an image, got {len(labels)}")
        if labels.max() > 9:
            raise DataError(f"{labels_path}: expected labels 0 to 9, got {labels.max()}")
        # One pass and one allocation: the training images are 188 MB in float32.
        images = np.divide(images[:, None], np.float32(255), dtype=np.float32)
        super().__init__(images, labels.astype(np.int64), num_classes=10, name=f"MNIST {split}")
