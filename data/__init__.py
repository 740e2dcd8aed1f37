"""Data sets and the loader that turns them into batches.

    MNIST        the 70 000 handwritten digits, from IDX files that are found or downloaded
    Digits       1 797 small handwritten digits that come with the package
    DataLoader   seeded batches in the framework's layout (rows, cols, batch, channels)
    Dataset      images and labels in memory; make one of your own arrays
    DataError    a data file is missing, damaged, or cannot be downloaded

Importing this module reads no file and opens no connection.
"""

from specframe.data.dataset import Dataset as Dataset
from specframe.data.digits import Digits as Digits
from specframe.data.files import DataError as DataError
from specframe.data.loader import DataLoader as DataLoader
from specframe.data.mnist import MNIST as MNIST

__all__ = ["MNIST", "DataError", "DataLoader", "Dataset", "Digits"]
