"""A data set: images and their labels, held in the memory of the host.

Data sets keep the order everyone's do, (batch, channels, rows, cols). The framework's own layout begins behind the
`DataLoader`, which makes the one transpose.
"""

import operator
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, overload

import numpy as np
import numpy.typing as npt


class Dataset:
    """Labelled images.

    Parameters
    ----------
    images : (N, channels, rows, cols) float32 array
    labels : N whole numbers, as an array or a sequence
        Class numbers, 0 to num_classes - 1; kept as (N,) int64.
    num_classes : int, optional
        By default as many as `classes` names, or one more than the highest label.
    name : str
        For messages and reports, such as "MNIST train".
    classes : sequence of str, optional
        The names of the classes; by default their numbers.
    mean, std : one number a channel, optional
        What each channel was normalised with: `images * std + mean`, channel by channel, is in [0, 1].

    Attributes
    ----------
    images, labels, num_classes, name, classes, mean, std
        As above; `classes` a tuple, `mean` and `std` (channels,) float32 arrays.

    Raises
    ------
    ValueError
        A wrong shape or dtype, no image at all, another number of labels than of images, or a label out of range.

    >>> data = Dataset(np.zeros((3, 1, 8, 8), np.float32), [0, 1, 0], name="blank", classes=["cat", "dog"])
    >>> data
    <blank: 3 images of shape (1, 8, 8), 2 classes>
    >>> image, label = data[1]
    >>> image.shape, data.classes[label]
    ((1, 8, 8), 'dog')
    """

    MEAN: ClassVar[tuple[float, ...]] = (0.0,)  # what a published set is normalised with unless told otherwise
    STD: ClassVar[tuple[float, ...]] = (1.0,)

    def __init__(
        self,
        images: npt.NDArray[np.float32],
        labels: npt.ArrayLike,
        num_classes: int | None = None,
        name: str = "dataset",
        classes: Sequence[str] | None = None,
        mean: npt.ArrayLike = 0,
        std: npt.ArrayLike = 1,
    ) -> None:
        _check_images(name, images)
        labels = np.asarray(labels)
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
            raise ValueError(
                f"{name}: expected int64 labels of shape ({len(images)},), one an image,"
                f" got {labels.dtype} of shape {labels.shape}"
            )
        if num_classes is None:
            num_classes = int(labels.max()) + 1 if classes is None else len(classes)
        classes = tuple(map(str, range(num_classes) if classes is None else classes))
        if len(classes) != num_classes:
            raise ValueError(f"{name}: expected the names of {num_classes} classes, got {len(classes)}")
        if labels.min() < 0 or labels.max() >= num_classes:
            raise ValueError(
                f"{name}: expected labels 0 to {num_classes - 1}, got some from {labels.min()} to {labels.max()}"
            )
        self.images, self.labels = images, labels.astype(np.int64, copy=False)
        self.num_classes, self.name, self.classes = num_classes, name, classes
        self.mean, self.std = (np.broadcast_to(np.float32(each), images.shape[1]) for each in (mean, std))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self)} images of shape {self.images.shape[1:]}, {self.num_classes} classes>"

    @overload
    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], int]: ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | npt.NDArray[Any]) -> "Dataset": ...

    def __getitem__(self, index: Any) -> Any:
        """(image, label) for a whole number; a `Dataset` for a slice, a mask, or a sequence of numbers.

        The image is (channels, rows, cols) float32 and shares the data set's memory, as a slice does.

        Raises
        ------
        IndexError
            A number out of range.
        ValueError
            Nothing is left.
        """
        try:
            one = operator.index(index)
        except TypeError:
            chosen = index if isinstance(index, slice) else np.asarray(index)
            return self._part(self.images[chosen], self.labels[chosen])
        if not -len(self) <= one < len(self):
            raise IndexError(f"{self.name}: expected a number from {-len(self)} to {len(self) - 1}, got {one}")
        return self.images[one], int(self.labels[one])

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.float32], int]]:
        return zip(self.images, self.labels.tolist(), strict=True)

    def subset(self, n: int) -> "Dataset":
        """The first `n` samples, as a `Dataset` that shares this one's memory.

        Raises
        ------
        ValueError
            Fewer than 1, or more than there are.
        """
        if not 1 <= n <= len(self):
            raise ValueError(f"{self.name}: expected a size from 1 to {len(self)}, got {n}")
        return self[:n]

    def split(self, size: float, seed: int = 0) -> "tuple[Dataset, Dataset]":
        """Two data sets that share out the samples at random; the same seed does it in the same way.

        Parameters
        ----------
        size : int or float
            How many samples the first one gets, or which fraction of them, above 0 and below 1.
        seed : int
            Not negative.

        Raises
        ------
        ValueError
            One of the two would get nothing.
        """
        try:
            n = operator.index(size)
        except TypeError:
            n = round(size * len(self)) if 0 < size < 1 else 0
        if not 0 < n < len(self):
            raise ValueError(
                f"{self.name}: expected a size from 1 to {len(self) - 1}, or a fraction that leaves samples for both"
                f" parts, got {size}"
            )
        order = np.random.default_rng(seed).permutation(len(self))
        return self[order[:n]], self[order[n:]]

    def _part(self, images, labels, name=None):
        return Dataset(images, labels, self.num_classes, name or self.name, self.classes, self.mean, self.std)


def concat(first: Dataset, *others: Dataset) -> Dataset:
    """One data set with the samples of all, in order.

    Raises
    ------
    ValueError
        They differ in the shape of the images, the classes, or what they were normalised with.

    >>> data = Dataset(np.zeros((3, 1, 8, 8), np.float32), [0, 1, 0], name="blank")
    >>> concat(data, data[:1])
    <blank + blank: 4 images of shape (1, 8, 8), 2 classes>
    """
    for other in others:
        for what, mine, its in (
            ("images of shape", first.images.shape[1:], other.images.shape[1:]),
            ("the classes", first.classes, other.classes),
            ("the mean", first.mean.tolist(), other.mean.tolist()),
            ("the standard deviation", first.std.tolist(), other.std.tolist()),
        ):
            if mine != its:
                raise ValueError(f"concat: expected {what} {mine} as in {first.name}, got {its} in {other.name}")
    parts = (first, *others)
    images, labels = (np.concatenate([getattr(part, each) for part in parts]) for each in ("images", "labels"))
    return first._part(images, labels, " + ".join(part.name for part in parts))


def _check_images(name, images):
    """Refuse what is no (N, channels, rows, cols) float32 array, or has its channels last."""
    kind, shape = getattr(images, "dtype", type(images).__name__), getattr(images, "shape", None)
    if not isinstance(images, np.ndarray) or images.ndim != 4 or kind != np.float32 or len(images) == 0:
        raise ValueError(
            f"{name}: expected float32 images of shape (N, channels, rows, cols), N >= 1, got {kind} of shape {shape}"
        )
    if shape[3] in (1, 3, 4) and shape[1] > 4:
        raise ValueError(
            f"{name}: expected images of shape (N, channels, rows, cols), got {shape}, whose channels seem to come"
            " last: images.transpose(0, 3, 1, 2) puts them first"
        )


def check_split(name: str, split: str) -> None:
    """Refuse a split other than "train" and "test" with a ValueError that names the data set."""
    if split not in ("train", "test"):
        raise ValueError(f"{name}: expected the split 'train' or 'test', got {split!r}")


def write_pixels(pixels: npt.NDArray[np.uint8], out: npt.NDArray[np.float32], mean: Any = 0, std: Any = 1) -> None:
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
