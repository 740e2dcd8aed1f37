"""MNIST, and two sets in its form: 60 000 + 10 000 images of ten classes, 28 x 28, one grey channel, light on dark.

    MNIST          handwritten digits (LeCun, Cortes and Burges)
    FashionMNIST   articles of clothing (Xiao, Rasul and Vollgraf)
    KMNIST         cursive Japanese characters (Clanuwat and others)

The files are the four published IDX files of each, as they are or unpacked. All three sets use the same file names, so
each looks into its own sub-folders first, and a file whose content is known to be another's is refused. Where they are
looked for, and when they are downloaded, is written in `specframe.data.files`.
"""

import os
from typing import ClassVar

import numpy as np

from specframe.data.dataset import Dataset, check_split
from specframe.data.files import obtain
from specframe.data.idx import header, read_idx
from specframe.data.published import DataError, DataFile, md5, notice_other_checksum, notice_other_content

COUNT = {"train": 60_000, "test": 10_000}
STEMS = {"train": ("train-images-idx3", "train-labels-idx1"), "test": ("t10k-images-idx3", "t10k-labels-idx1")}


def _files(*mirrors, table):
    """{split: (images, labels)}; a row of the table has the size and SHA-256 of the file, and the MD5 of its content.

    Where the MD5 is not known for certain, "-" stands for it.
    """
    rows = iter(line.split() for line in table.strip().splitlines())
    return {split: tuple(_file(stem, mirrors, *next(rows)) for stem in pair) for split, pair in STEMS.items()}


def _file(stem, mirrors, size, sha256, content):
    plain = f"{stem}-ubyte"
    dotted = ".idx".join(plain.rsplit("-idx", 1))  # train-images.idx3-ubyte: some archives unpack to this spelling
    name = f"{plain}.gz"
    urls = tuple(mirror + name for mirror in mirrors)
    return DataFile(name, int(size), sha256, urls, (plain, dotted, f"{dotted}.gz"), content.strip("-"))


FILES = _files(
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    table="""
9912422 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609 6bbc9ace898e44ae57da46a324031adb
28881 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c a25bea736e30d166cdddb491f175f624
1648877 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6 2646ac647ad5339dbf082846283269ea
4542 f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6 27ae3e4e09519cfbb04c329615203637
""",
)
FASHION_FILES = _files(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    table="""
26421880 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84 f4a8712d7a061bf5bd6d2ca38dc4d50a
29515 a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845 9018921c3c673c538a1fc5bad174d6f9
4422102 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073 8181f5470baa50b63fa0f6fddb340f0a
5148 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5 15d484375f8d13e6eb1aabb0c3f46965
""",
)
KMNIST_FILES = _files(
    "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    "https://storage.googleapis.com/kuzushiji-mnist/",
    table="""
18165135 51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4 -
29497 e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17 -
3041136 edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5 -
5120 20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c -
""",
)


class MNIST(Dataset):
    """The MNIST digits: `images` (N, 1, 28, 28) float32 in [0, 1], `labels` (N,) int64, 0 to 9.

    Parameters
    ----------
    split : {"train", "test"}
        60 000 or 10 000 images.
    data_dir : path, optional
        The folder that holds the files, itself or in its sub-folder `mnist` or `MNIST/raw` (torchvision's); then no
        other is searched.
    download : bool
        Whether to download files that are not found; never done when `data_dir` is given.

    Raises
    ------
    ValueError
        Another split.
    DataError
        The files are not found and cannot be downloaded, or one is damaged or another set's, or the two do not belong
        together. Files of the right structure with another content are accepted, with a notice on stderr.
    """

    SHAPE: ClassVar = (1, 28, 28)
    CLASSES: ClassVar = tuple("0123456789")
    set_name: ClassVar = "mnist"
    files: ClassVar = FILES

    def __init__(
        self, split: str = "train", data_dir: str | os.PathLike[str] | None = None, download: bool = True
    ) -> None:
        name = type(self).__name__
        check_split(name, split)
        pair = self.files[split]
        paths = obtain(self.set_name, pair, data_dir, download, also=[f"{name}/raw", "raw"])
        arrays = [read_idx(path, ndim) for path, ndim in zip(paths, (3, 1), strict=True)]
        images, labels = arrays
        if images.shape[1:] != (28, 28):
            raise DataError(f"{paths[0]}: expected images of shape (28, 28), got {images.shape[1:]}")
        if len(labels) != len(images):
            raise DataError(f"{paths[1]}: expected {len(images)} labels, one an image, got {len(labels)}")
        if labels.max() > 9:
            raise DataError(f"{paths[1]}: expected labels 0 to 9, got {labels.max()}")
        for path, file, array in zip(paths, pair, arrays, strict=True):
            _recognise(path, file, array, COUNT[split])
        # One pass and one allocation: the training images are 188 MB in float32.
        images = np.divide(images[:, None], np.float32(255), dtype=np.float32)
        super().__init__(images, labels, 10, f"{name} {split}", self.CLASSES)


class FashionMNIST(MNIST):
    """Fashion-MNIST, articles of clothing; everything else as for `MNIST`, in the sub-folder `fashion_mnist`."""

    CLASSES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
    set_name = "fashion_mnist"
    files = FASHION_FILES


class KMNIST(MNIST):
    """Kuzushiji-MNIST, cursive Japanese characters; everything else as for `MNIST`, in the sub-folder `kmnist`.

    What the unpacked files' checksums must be is not known for certain, so those are checked by their count only.
    """

    CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    set_name = "kmnist"
    files = KMNIST_FILES


OWNERS = {
    file.md5: (kind.__name__, file)
    for kind in (MNIST, FashionMNIST, KMNIST)
    for pair in kind.files.values()
    for file in pair
    if file.md5
}


def _recognise(path, file, array, count):
    """Refuse what is known to be another file than `file`, and say so where it is not the published one."""
    digest = md5(header(array.shape), array)
    if digest == file.md5:
        return
    if digest in OWNERS:
        name, other = OWNERS[digest]
        raise DataError(f"{path}: expected {file.name}, got {name}'s {other.name}, as the checksum shows")
    if len(array) != count:
        notice_other_content(path, f"{len(array)} entries, not {count}")
    elif file.md5:
        notice_other_content(path, "another checksum")
    elif path.suffix == ".gz":
        notice_other_checksum(path, file)
