"""Find the files of a data set on this computer, or download them.

Where a file may lie, in this order (each folder is searched in its sub-folders named after the set, such as `mnist` and
torchvision's `MNIST/raw`, and itself):

    1. the folder the caller names; then nowhere else, and nothing is downloaded
    2. the folder named by the environment variable SPECFRAME_DATA
    3. the user's cache, $XDG_CACHE_HOME/specframe or ~/.cache/specframe
    4. the mirrors; what comes is checked by size and SHA-256 and kept in the cache

All files of a set come from one folder: images from one place and labels from another may not belong together.
A local file need not have the published checksum, because the same data packed again has another one; whoever reads it
checks its structure, and says so if it is another (`specframe.data.published`).
"""

import fnmatch
import os
from collections.abc import Sequence
from pathlib import Path

from specframe.data.download import fetch
from specframe.data.published import DataError, DataFile

# Other packings of the same data, which are not read; named, so that nobody has to guess what a full folder lacks.
FOREIGN = {
    "emnist-*-ubyte*": "EMNIST, whose images are turned on their side",
    "mnist.npz": "Keras's MNIST",
    "*.parquet": "Parquet",
    "*.arrow": "Arrow",
    "*.tfrecord*": "TFRecord",
    "*.pt": "PyTorch",
    "*-matlab.tar.gz": "MATLAB",
    "data_batch_*.mat": "MATLAB",
    "*.csv": "CSV",
    "*.zip": "a ZIP archive to unpack",
}


def cache_folder() -> Path:
    """The folder for downloads; it need not exist.

    Raises DataError where there is neither $XDG_CACHE_HOME nor a home folder.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(os.path.expanduser(base)) if base else Path.home() / ".cache") / "specframe"
    except RuntimeError as error:
        raise DataError("no home folder to keep downloads in: set XDG_CACHE_HOME, or name a data folder") from error


def search_folders(
    set_name: str, data_dir: "str | os.PathLike[str] | None" = None, also: Sequence[str] = ()
) -> list[Path]:
    """The folders in which `find` looks, in order."""
    return [folder for root in _roots(data_dir) for folder in _below(root, set_name, also)]


def _roots(data_dir):
    if data_dir is not None:
        roots = [data_dir]
    else:
        named = os.environ.get("SPECFRAME_DATA")
        roots = ([named] if named else []) + [cache_folder()]
    return [Path(os.path.expanduser(root)) for root in roots]


def _below(root, set_name, also):
    # The root last: sets with the same file names, such as MNIST and Fashion-MNIST, may lie side by side below it.
    return [root / set_name, *(root / name for name in also), root]


def find(set_name, files, data_dir=None, unpacked=(), also=()) -> list[Path]:
    """The paths of all `files`, or of the same data in another form, from the first folder that holds them all.

    Parameters
    ----------
    set_name : str
        Name of the set and of the sub-folder that may hold it, such as "mnist".
    files : sequence of DataFile
    data_dir : path, optional
        Look here and nowhere else.
    unpacked : sequence of sequences of str
        Other forms of the set: the paths, inside a folder, of the files that do instead of `files`.
    also : sequence of str
        Other sub-folders that may hold the set.

    Returns
    -------
    list of Path
        In the order of `files`, or of the form that was found.

    Raises
    ------
    DataError
        No folder holds them all; the sentence says what each one lacks, and what it holds instead.
    """
    reports = []
    for root in _roots(data_dir):
        if not os.path.isdir(root):
            reports.append(f"{root} is not a folder")
            continue
        for folder in filter(os.path.isdir, _below(root, set_name, also)):
            paths = [_local(folder, file) for file in files]
            if all(paths):
                return paths
            for form in unpacked:
                others = [folder / name for name in form]
                if all(map(os.path.isfile, others)):
                    return others
            lacking = " and ".join(file.name for file, path in zip(files, paths, strict=True) if path is None)
            reports.append(f"{folder} lacks {lacking}{_instead(folder)}")
    raise DataError(f"no folder with the {set_name} files: {', '.join(reports)}")


def obtain(set_name, files, data_dir=None, download=True, unpacked=(), also=()) -> list[Path]:
    """`find`, and failing that the download of what the cache lacks.

    With a `data_dir`, or with `download=False`, nothing is ever downloaded.

    Returns
    -------
    list of Path
        As from `find`.

    Raises
    ------
    DataError
        The files are not there, or no mirror delivered one of them.
    """
    try:
        return find(set_name, files, data_dir, unpacked, also)
    except DataError:
        if data_dir is not None or not download:
            raise
    folder = cache_folder() / set_name
    return [_local(folder, file) or fetch(file, folder) for file in files]


def _local(folder: Path, file: DataFile) -> Path | None:
    """The path of `file` in `folder` under the first of its names that exists, or None."""
    for name in (file.name, *file.aliases):
        if os.path.isfile(folder / name):
            return folder / name
    return None


def _instead(folder: Path) -> str:
    """What a folder holds that is the data in another packing, for the end of a sentence; "" if nothing."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ""
    for pattern, what in FOREIGN.items():
        for name in fnmatch.filter(names, pattern):
            return f" (it holds {name}: {what}, which is not read)"
    return ""
