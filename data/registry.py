"""The data sets by the names that a command line takes."""

import os
from pathlib import Path
from typing import Any

from specframe.data.cifar10 import CIFAR10
from specframe.data.cifar100 import CIFAR100
from specframe.data.dataset import Dataset, check_split
from specframe.data.digits import Digits
from specframe.data.image_folder import ImageFolder, class_names
from specframe.data.mnist import KMNIST, MNIST, FashionMNIST
from specframe.data.svhn import SVHN

DATASETS: dict[str, Any] = {  # name: class
    "mnist": MNIST,
    "fashion_mnist": FashionMNIST,
    "kmnist": KMNIST,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "svhn": SVHN,
    "digits": Digits,
}
FOLDER = "folder:"
SHARE = 0.8  # of the pictures of a folder without a test set, for training


def open_dataset(name: str, split: str = "train", data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """A data set by its name.

    Parameters
    ----------
    name : str
        One of DATASETS; or folder:PATH, a folder of pictures as for `ImageFolder`, or folder:PATH:SIZE, where each is
        resized to SIZE x SIZE. If the folder's sub-folders are `train` and `test`, the classes are below these;
        otherwise a fifth of the pictures, drawn at random but always the same, is the test set.
    split : {"train", "test"}
    data_dir : path, optional
        Where its files are, as for `MNIST`; not for folders and the bundled digits.

    Raises
    ------
    ValueError
        Another name or split.
    DataError
        The set's own.

    >>> open_dataset("digits", "test")
    <Digits test: 360 images of shape (1, 28, 28), 10 classes>
    """
    check_split(name, split)
    if name.startswith(FOLDER):
        path, size = parse_folder(name)
        return _folder(Path(os.path.expanduser(path)), split, size)
    kind = DATASETS.get(name)
    if kind is None:
        raise ValueError(f"expected a data set {', '.join(DATASETS)}, or {FOLDER}PATH, got {name!r}")
    return kind(split) if kind is Digits else kind(split, data_dir)


def parse_folder(name: str) -> tuple[str, int | None]:
    """The path and the size in folder:PATH or folder:PATH:SIZE; a size that is not given is None."""
    path, _, size = name.removeprefix(FOLDER).rpartition(":")
    if not (path and size.isascii() and size.isdigit() and len(size) < 6):
        path, size = name.removeprefix(FOLDER), ""
    if not path:
        raise ValueError(f"expected {FOLDER}PATH, got {name!r}")
    return path, int(size) if size else None


def _folder(root: Path, split: str, size: int | None) -> Dataset:
    if set(class_names(root)) != {"train", "test"}:
        whole = ImageFolder(root, size)
        train, test = whole.split(SHARE)
        part = train if split == "train" else test
        part.name = f"{whole.name} {split}"
        return part
    train = ImageFolder(root / "train", size, name=f"{root.name} train")
    if split == "train":
        return train
    return ImageFolder(
        root / "test", train.images.shape[2:], len(train.images[0]), train.classes, name=f"{root.name} test"
    )
