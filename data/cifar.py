"""What CIFAR-10 and CIFAR-100 share: their files, in each of the published packings.

    binary archive     .tar.gz; each file in it is a row of records without a header: the label in one byte (CIFAR-100:
                       two, the coarse one first), then 3 072 of the red plane, the green and the blue, 32 rows each
    python archive     .tar.gz; each file in it is a pickled dict of the same, which is read without being run
    either, unpacked   the folder that the archive unpacks to (torchvision keeps the python one so), or its files

Where they are looked for, and when the binary archive is downloaded, is written in `specframe.data.files`.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from specframe.data.archive import read_members
from specframe.data.dataset import Dataset, check_split, write_pixels
from specframe.data.files import obtain
from specframe.data.pickles import array, read_pickle
from specframe.data.published import DataError, DataFile, md5, notice_other_checksum, notice_other_content

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
PICKLED = 2 * PIXELS + 128  # the most bytes of an image with label and name in a pickle, which may write bytes as UTF-8


@dataclass(frozen=True)
class Layout:
    """Which files a set has.

    Attributes
    ----------
    name : str
    binary, python : DataFile
        The archives.
    binary_folder, python_folder : str
        What they unpack to.
    files : dict of split to names
        The pickled files; the binary ones have the same names with .bin.
    count : dict of split to int
        Images in each file of a split.
    label_bytes : int
        In a record; the last one is the label.
    label_key : str
        In a pickled dict.
    extra : tuple of str
        Files that must lie beside unpacked pickles of such common names that something else may have them.
    md5 : dict of str to str
        Of the files in the archives, by name.
    """

    name: str
    binary: DataFile
    python: DataFile
    binary_folder: str
    python_folder: str
    files: dict[str, tuple[str, ...]]
    count: dict[str, int]
    label_bytes: int
    label_key: str
    extra: tuple[str, ...]
    md5: dict[str, str]

    def forms(self, split: str) -> list[list[str]]:
        """What does instead of the binary archive."""
        binary = [f"{name}.bin" for name in self.files[split]]
        python = [*self.files[split], *self.extra]
        return [
            [f"{self.binary_folder}/{name}" for name in binary],
            binary,
            [self.python.name],
            [f"{self.python_folder}/{name}" for name in python],
            python,
        ]

    def limits(self, pickled: bool, split: str) -> tuple[int, int]:
        """The most bytes of a file of the split, and of the whole archive."""
        record = PICKLED if pickled else self.label_bytes + PIXELS
        whole = sum(len(names) * self.count[part] for part, names in self.files.items())
        return record * self.count[split] + 2**12, record * whole + 2**20  # the last for headers and lists of names


class Cifar(Dataset):
    """A data set in CIFAR's layout, see the classes made of it."""

    layout: ClassVar[Layout]
    SHAPE: ClassVar = SHAPE
    CLASSES: ClassVar[tuple[str, ...]]
    MEAN: ClassVar[tuple[float, ...]]
    STD: ClassVar[tuple[float, ...]]

    def __init__(
        self,
        split: str = "train",
        data_dir: str | os.PathLike[str] | None = None,
        download: bool = True,
        normalize: bool = True,
    ) -> None:
        name = type(self).__name__
        check_split(name, split)
        parts = _read(self.layout, split, data_dir, download, len(self.CLASSES))
        mean, std = (self.MEAN, self.STD) if normalize else (0, 1)
        labels = np.concatenate([labels for labels, _ in parts])
        images = np.empty((len(labels), *SHAPE), np.float32)
        end = len(labels)
        while parts:  # from the last, to free each part before the next pages of `images` are touched
            _, pixels = parts.pop()
            write_pixels(pixels.reshape(-1, *SHAPE), images[end - len(pixels) : end], mean, std)
            end -= len(pixels)
        super().__init__(images, labels, len(self.CLASSES), f"{name} {split}", self.CLASSES, mean, std)


def _read(layout, split, data_dir, download, classes):
    """[(labels (n,) int64, pixels (n, 3072) uint8)], one a file."""
    names, most = layout.files[split], layout.count[split]
    paths = obtain(layout.name, [layout.binary], data_dir, download, layout.forms(split))[: len(names)]
    archive = {file.name: file for file in (layout.binary, layout.python)}.get(paths[0].name)
    pickled = archive is layout.python or (archive is None and paths[0].suffix != ".bin")
    limit, total = layout.limits(pickled, split)
    if archive is None:
        contents, places = [_bytes(path, limit) for path in paths], paths
        digests = [md5(content) for content in contents]
    else:
        members = [name if pickled else f"{name}.bin" for name in names]
        found = read_members(paths[0], members, limit, total)
        contents, places = [found.pop(member) for member in members], [f"{paths[0]}: {member}" for member in members]
    parts = []
    for place in places:
        labels, pixels = (_pickled if pickled else _records)(place, contents.pop(0), layout, most)
        if wrong := [label for label in (labels.min(), labels.max()) if not 0 <= label < classes]:
            raise DataError(f"{place}: expected labels 0 to {classes - 1}, got {wrong[-1]}")
        parts.append((labels.astype(np.int64), pixels))
    if archive is None:
        _recognise(layout, split, paths, digests, [len(labels) for labels, _ in parts])
    else:
        notice_other_checksum(paths[0], archive)
    return parts


def _bytes(path: Path, limit: int) -> bytes:
    """The bytes of an unpacked file."""
    try:
        if (size := os.path.getsize(path)) > limit:
            raise DataError(f"{path}: expected at most {limit} bytes, got {size}")
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error


def _records(place, content, layout, most):
    """Labels and pixels in a binary file's bytes; `place` names the file in messages."""
    record = layout.label_bytes + PIXELS
    count, rest = divmod(len(content), record)
    if rest or not 1 <= count <= most:
        raise DataError(f"{place}: expected 1 to {most} records of {record} bytes, got {len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(count, record)
    return records[:, layout.label_bytes - 1], records[:, layout.label_bytes :]


def _pickled(place, content, layout, most):
    """Labels and pixels in a pickled file's bytes."""
    try:
        value = read_pickle(content)
        if not isinstance(value, dict):
            raise DataError("expected a pickled dict, got something else")
        found = []
        for key in (layout.label_key, "data"):
            names = [name for name in (key, key.encode()) if name in value]  # Python 2's text is Python 3's bytes
            if not names:
                raise DataError(f"expected a pickled dict with {key!r}, got one without")
            found.append(array(value[names[0]], most * PICKLED))
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
    labels, pixels = found
    if (
        pixels.dtype != np.uint8
        or pixels.shape != (labels.size, PIXELS)
        or labels.ndim != 1
        or not 1 <= labels.size <= most
    ):
        raise DataError(
            f"{place}: expected uint8 data of shape (N, {PIXELS}) and N labels, N from 1 to {most},"
            f" got {pixels.dtype} of {pixels.shape} and {labels.shape}"
        )
    return labels, pixels


def _recognise(layout, split, paths, digests, counts):
    """Refuse unpacked files that do not belong together, and say so where they are not the published ones.

    Only unpacked ones can have lost their end unnoticed: an archive has a check sum at its own.
    """
    names = {digest: name for name, digest in layout.md5.items()}
    strange = []
    for path, digest, count in zip(paths, digests, counts, strict=True):
        if names.get(digest, path.name) != path.name:
            raise DataError(f"{path}: expected {path.name}, got {names[digest]}, as the checksum shows")
        if count != counts[0]:
            raise DataError(f"{path}: expected {counts[0]} images, as in {paths[0].name}, got {count}")
        if digest not in names:
            what = "another checksum" if count == layout.count[split] else f"{count} images, not {layout.count[split]}"
            strange.append((path, what))
    if strange:
        path, what = strange[0]
        notice_other_content(path, f"{what}; {len(strange) - 1} other files differ too" if len(strange) > 1 else what)
