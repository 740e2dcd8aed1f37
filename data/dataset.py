"""A data set: images and their labels, held in the memory of the host.

Data sets keep the order everyone's do, (batch, channels, rows, cols). The framework's own layout begins behind the
`DataLoader`, which makes the one transpose.
"""

import numpy as np


class Dataset:
    """Labelled images.

    Parameters
    ----------
    images : (N, channels, rows, cols) float32 array
    labels : (N,) int64 array
        Class numbers, 0 to num_classes - 1.
    num_classes : int
    name : str
        For messages and reports, such as "MNIST train".

    Raises
    ------
    ValueError
        A wrong shape or dtype, no image at all, another number of labels than of images, or a label out of range.

    >>> Dataset(np.zeros((3, 1, 8, 8), np.float32), np.array([0, 1, 0]), num_classes=2, name="blank")
    <blank: 3 images of shape (1, 8, 8), 2 classes>
    """

    def __init__(self, images, labels, num_classes, name):
        if images.ndim != 4 or images.dtype != np.float32 or len(images) == 0:
            raise ValueError(
                f"{name}: expected float32 images of shape (N, channels, rows, cols), N >= 1,"
                f" got {images.dtype} of shape {images.shape}"
            )
        if labels.shape != (len(images),) or labels.dtype != np.int64:
            raise ValueError(
                f"{name}: expected int64 labels of shape ({len(images)},), one an image,"
                f" got {labels.dtype} of shape {labels.shape}"
            )
        if labels.min() < 0 or labels.max() >= num_classes:
            raise ValueError(
                f"{name}: expected labels 0 to {num_classes - 1}, got some from {labels.min()} to {labels.max()}"
            )
        self.images, self.labels, self.num_classes, self.name = images, labels, num_classes, name

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        return f"<{self.name}: {len(self)} images of shape {self.images.shape[1:]}, {self.num_classes} classes>"

    def subset(self, n):
        """The first `n` samples, as a `Dataset` that shares this one's memory.

        Raises
        ------
        ValueError
            Fewer than 1, or more than there are.
        """
        if not 1 <= n <= len(self):
            raise ValueError(f"{self.name}: expected a size from 1 to {len(self)}, got {n}")
        return Dataset(self.images[:n], self.labels[:n], self.num_classes, self.name)


def check_split(name, split):
    """Refuse a split other than "train" and "test" with a ValueError that names the data set."""
    if split not in ("train", "test"):
        raise ValueError(f"{name}: expected the split 'train' or 'test', got {split!r}")


def write_pixels(pixels, out, mean=(0, 0, 0), std=(1, 1, 1)):
    """Write (pixel / 255 - mean) / std to `out`, without any other array of that size.

    Parameters
    ----------
    pixels : (N, channels, rows, cols) uint8 array
    out : float32 array of the same shape
    mean, std : one number a channel
        In units of the full range, 0 to 1.
    """
    shift, scale = (255 * np.asarray(each, np.float32).reshape(-1, 1, 1) for each in (mean, std))
    np.subtract(pixels, shift, out=out, dtype=np.float32)
    out /= scale
