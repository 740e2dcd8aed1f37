"""Data sets and the loader that turns them into batches.

    MNIST        the 70 000 handwritten digits, from IDX files that are found or downloaded
    CIFAR10      60 000 colour images of ten kinds of things, from the binary archive, found or downloaded
    SVHN         99 289 colour images of house numbers, from two .mat files that are found or downloaded
    Digits       1 797 small handwritten digits that come with the package
    DATASETS     these four by the names that a command line takes: mnist, cifar10, svhn, digits
    DataLoader   seeded batches in the framework's layout (rows, cols, batch, channels)
    Augment      random crops and flips, as a `transform` for the loader; its parts are in `transforms`
    Dataset      images and labels in memory; make one of your own arrays
    DataError    a data file is missing, damaged, or cannot be downloaded

Importing this module reads no file and opens no connection.
"""

from specframe.data import transforms as transforms
from specframe.data.cifar10 import CIFAR10 as CIFAR10
from specframe.data.dataset import Dataset as Dataset
from specframe.data.digits import Digits as Digits
from specframe.data.files import DataError as DataError
from specframe.data.loader import DataLoader as DataLoader
from specframe.data.mnist import MNIST as MNIST
from specframe.data.svhn import SVHN as SVHN
from specframe.data.transforms import Augment as Augment

DATASETS = {"mnist": MNIST, "cifar10": CIFAR10, "svhn": SVHN, "digits": Digits}

__all__ = [
    "CIFAR10",
    "DATASETS",
    "MNIST",
    "SVHN",
    "Augment",
    "DataError",
    "DataLoader",
    "Dataset",
    "Digits",
    "transforms",
]
