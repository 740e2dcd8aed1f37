"""A folder of pictures as a data set: each sub-folder is a class."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from specframe.data import progress
from specframe.data.dataset import Dataset
from specframe.data.image import brightness, read_image
from specframe.data.published import DataError

PICTURES = frozenset(  # those that are not read are refused, not passed over
    ".png .apng .jpg .jpeg .jpe .jfif .mpo .gif .bmp .dib .tif .tiff .webp .avif .jp2 .j2k .ppm .pgm .pbm .pnm .pfm"
    " .heic .heif .raw .dng .svg .psd .tga .ico".split()
)
SYSTEM = {"thumbs.db", "desktop.ini"}


class ImageFolder(Dataset):
    """The pictures below a folder: `images` (N, channels, rows, cols) float32 in [0, 1], `labels` (N,) int64.

    Each sub-folder is a class, in the order of their names; all pictures in it, at any depth, belong to the class, in
    the order of their paths. `read_image` reads them. Files that are no pictures by their name are passed over, with
    a notice on stderr.

    Parameters
    ----------
    path : path
    size : int or (rows, cols), optional
        What every picture is resized to, without keeping its proportions. By default they stay as they are, and must
        all have the same size.
    channels : {1, 3}, optional
        By default 1 if all pictures are grey, else 3.
    classes : sequence of str, optional
        The names of the classes, which fix their numbers; a sub-folder with another name is refused, and one of these
        may be missing. For a test set beside its training set.
    name : str, optional
        By default the folder's.

    Raises
    ------
    DataError
        There is no such folder, it has no sub-folders, a class has no pictures, a picture cannot be read, or they
        differ in size.
    ValueError
        Another size or number of channels.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        classes: Sequence[str] | None = None,
        name: str | None = None,
    ) -> None:
        root = Path(os.path.expanduser(path))
        found = class_names(root)
        names = tuple(found if classes is None else classes)
        if strange := [each for each in found if each not in names]:
            raise DataError(f"{root}: expected sub-folders named {', '.join(names)}, got {strange[0]}")
        files = {each: _pictures(root / each) for each in found}
        labels = [names.index(each) for each in found for _ in files[each]]
        pictures = _read_all([file for each in found for file in files[each]], root, size, channels)
        images = _stacked(pictures, root)
        super().__init__(images, labels, len(names), name or root.name, names)


def class_names(root: Path) -> list[str]:
    """The names of a folder's sub-folders, sorted; DataError if there is none."""
    try:
        with os.scandir(root) as entries:
            names = sorted(each.name for each in entries if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        raise DataError(f"{root}: the folder cannot be read: {error.strerror}") from error
    if not names:
        raise DataError(f"{root}: expected sub-folders, one a class, with pictures in them, got none")
    return names


def _pictures(folder):
    """The paths of the pictures below a folder, sorted."""
    files = [Path(place) / name for place, _, names in os.walk(folder, onerror=_refuse) for name in names]
    files = sorted(file for file in files if not file.name.startswith(".") and file.name.lower() not in SYSTEM)
    pictures = [file for file in files if file.suffix.lower() in PICTURES]
    if not pictures:
        raise DataError(
            f"{folder}: expected pictures, got {f'other files, such as {files[0].name}' if files else 'none'}"
        )
    if others := [file.name for file in files if file.suffix.lower() not in PICTURES]:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        progress.say(f"{folder}: {others[0]}{more}: no pictures by name, passed over")
    return pictures


def _refuse(error):
    raise DataError(f"{error.filename}: the folder cannot be read: {error.strerror}") from error


def _read_all(files, root, size, channels):
    """[(path, (channels, rows, cols) array)]"""
    pictures = []
    with progress.bar(len(files), root.name, "picture", delay=1) as bar:
        for file in files:
            pictures.append((file, read_image(file, size, channels)))
            bar.update()
    return pictures


def _stacked(pictures, root):
    """All pictures in one float32 array; grey ones among coloured ones become grey in three channels."""
    first, shape = pictures[0][0], pictures[0][1].shape[1:]
    for file, pixels in pictures:
        if pixels.shape[1:] != shape:
            raise DataError(
                f"{file}: expected {shape[0]} x {shape[1]} pixels, as in {first}, got {pixels.shape[1]} x"
                f" {pixels.shape[2]}: give a size to resize all to, as in ImageFolder(path, size=28) or folder:PATH:28"
            )
    channels = max(len(pixels) for _, pixels in pictures)
    try:
        images = np.empty((len(pictures), channels, *shape), np.float32)
    except MemoryError as error:
        raise DataError(f"{root}: not enough memory for {len(pictures)} pictures of {shape}: give a size") from error
    for image, (_, pixels) in zip(images, pictures, strict=True):
        image[...] = brightness(pixels)
    return images
