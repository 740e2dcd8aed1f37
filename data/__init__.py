"""Data sets and the loader that turns them into batches.

    MNIST          the 70 000 handwritten digits, from IDX files that are found or downloaded
    FashionMNIST   70 000 articles of clothing, in MNIST's form
    KMNIST         70 000 cursive Japanese characters, in MNIST's form
    CIFAR10        60 000 colour images of ten kinds of things, from the published archives, found or downloaded
    CIFAR100       60 000 of a hundred kinds
    SVHN           99 289 colour images of house numbers, from two .mat files that are found or downloaded
    Digits         1 797 small handwritten digits that come with the package
    ImageFolder    pictures of one's own: each sub-folder is a class
    open_dataset   one of these by the name that a command line takes; DATASETS has the names
    Dataset        images and labels in memory; make one of your own arrays
    concat         several data sets as one
    read_image     the picture in a file, as the eye sees it
    DataLoader     seeded batches in the framework's layout (rows, cols, batch, channels)
    Augment        random crops and flips, as a `transform` for the loader; its parts are in `transforms`
    DataError      a data file is missing, damaged, or cannot be downloaded

Importing this module reads no file and opens no connection.
"""

from specframe.data import transforms as transforms
from specframe.data.cifar10 import CIFAR10 as CIFAR10
from specframe.data.cifar100 import CIFAR100 as CIFAR100
from specframe.data.dataset import Dataset as Dataset
from specframe.data.dataset import concat as concat
from specframe.data.digits import Digits as Digits
from specframe.data.image import read_image as read_image
from specframe.data.image_folder import ImageFolder as ImageFolder
from specframe.data.loader import DataLoader as DataLoader
from specframe.data.mnist import KMNIST as KMNIST
from specframe.data.mnist import MNIST as MNIST
from specframe.data.mnist import FashionMNIST as FashionMNIST
from specframe.data.published import DataError as DataError
from specframe.data.registry import DATASETS as DATASETS
from specframe.data.registry import open_dataset as open_dataset
from specframe.data.svhn import SVHN as SVHN
from specframe.data.transforms import Augment as Augment

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "DATASETS",
    "KMNIST",
    "MNIST",
    "SVHN",
    "Augment",
    "DataError",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "ImageFolder",
    "concat",
    "open_dataset",
    "read_image",
    "transforms",
]
