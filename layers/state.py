"""A module's arrays by name: taken from a dict whole or not at all, and kept in a file of NumPy's.

A place is (owner, attribute): where one array of the state lives. A Parameter that two modules share has two names and
one place.
"""

import contextlib
import os
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from specframe import backend
from specframe.tensor import Tensor

Places = dict[str, tuple[Any, str]]


class LoadResult(NamedTuple):
    """Names that the module has and the state has not, and the other way round."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def take_state(owner: str, places: Places, state: Mapping[str, Any], strict: bool) -> LoadResult:
    """Put the arrays of `state` where they belong, on the devices and in the precision of those they replace.

    Raises
    ------
    ValueError
        Under `strict`, names that differ; in any case a shape or kind of number that does, or two arrays for one
        place. Nothing has been replaced then.
    TypeError
        `state` is no mapping.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"{owner}: expected a dict of arrays by name, got {type(state).__name__}")
    missing, unexpected = sorted(places.keys() - state.keys()), sorted(state.keys() - places.keys())
    if strict and (missing or unexpected):
        raise ValueError(f"{owner}: the state lacks {missing or 'nothing'}, and has unknown {unexpected or 'nothing'}")
    new: dict[tuple[int, str], tuple[str, np.ndarray]] = {}
    arrays = []
    for name, (holder, attribute) in places.items():
        if name not in state:
            continue
        own, given = getattr(holder, attribute), state[name]
        given = backend.to_host(given.data if isinstance(given, Tensor) else given)
        if given.shape != own.shape:
            raise ValueError(f"{owner}: {name} is {own.shape}, but the state has {given.shape}")
        if not np.can_cast(given.dtype, own.dtype, "same_kind"):
            raise ValueError(f"{owner}: {name} is {own.dtype}, but the state has {given.dtype}")
        given = given.astype(own.dtype)  # always a copy
        first, before = new.setdefault((id(holder), attribute), (name, given))
        if before.tobytes() != given.tobytes():
            raise ValueError(f"{owner}: {first} and {name} are one array, but the state has two")
        arrays.append((holder, attribute, backend.of(name, own).asarray(given)))
    for holder, attribute, array in arrays:
        setattr(holder, attribute, array)
    return LoadResult(missing, unexpected)


def write_state(path: str | os.PathLike[str], state: Mapping[str, np.ndarray]) -> None:
    """Write the arrays as np.load reads them: the file at `path` holds its old content or the new, never a part.

    Raises
    ------
    OSError
        The file cannot be written; it names `path`.
    TypeError
        An array is none of numbers.
    """
    for name, array in state.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name} holds Python objects: only numbers can be saved")
    target = os.path.realpath(path)  # a link stays one
    folder, file_name = os.path.split(target)
    temporary = os.path.join(folder, f".{file_name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, array in state.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def read_state(path: str | os.PathLike[str], owner: str, places: Places) -> None:
    """Take all arrays from a file that `write_state` wrote.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        It is damaged, of another kind, or the state of another module; nothing has been replaced then.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            for name in entries.keys() & places.keys():  # before anything is unpacked
                array, size = getattr(*places[name]), entries[name].file_size
                if size > 2 * array.nbytes + 10_000:
                    raise ValueError(f"{name} is {array.nbytes} bytes, but the file has {size}")
            state = {name: _array(archive, entry) if name in places else None for name, entry in entries.items()}
        take_state(owner, places, state, strict=True)
    except Exception as error:  # zipfile and NumPy have a dozen kinds for damaged files
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ValueError(f"{os.fspath(path)}: no state of {owner}: {str(error)[:300]}") from error


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):  # reading to the end is what compares the checksum, too
            raise ValueError(f"{entry.filename} is longer than its header says")
    return array
