"""A module's arrays by name: taken from a dict, or from a file of NumPy's or safetensors', whole or not at all.

A place is (owner, attribute): where one array of the state lives. A Parameter that two modules share has two names and
one place.
"""

import os
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from specframe import backend, safetensors
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
        hint = ": give its state_dict()" if hasattr(state, "state_dict") else ""
        raise TypeError(f"{owner}: expected a dict of arrays by name, got {type(state).__name__}{hint}")
    missing, unexpected = [name for name in places if name not in state], [name for name in state if name not in places]
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


def read_state(path: str | os.PathLike[str], owner: str, places: Places) -> None:
    """Take all arrays from a file that `specframe.save` wrote.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        It is damaged, of another kind, or the state of another module; nothing has been replaced then.
    ModuleNotFoundError
        The name ends in .safetensors, and that library is not installed.
    """
    try:
        state: Mapping[str, Any] = safetensors.read(path)[0] if safetensors.is_one(path) else _npz(path, places)
        take_state(owner, places, state, strict=True)
    except Exception as error:  # zipfile and NumPy have a dozen kinds for damaged files
        if isinstance(error, ModuleNotFoundError) or (isinstance(error, OSError) and error.filename is not None):
            raise
        raise ValueError(f"{os.fspath(path)}: no state of {owner}: {str(error)[:300]}") from error


def _npz(path: str | os.PathLike[str], places: Places) -> dict[str, np.ndarray | None]:
    """The arrays of the archive that have a place, and None for each of the others."""
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        for name in entries.keys() & places.keys():  # before anything is unpacked
            array, size = getattr(*places[name]), entries[name].file_size
            if size > 2 * array.nbytes + 10_000:
                raise ValueError(f"{name} is {array.nbytes} bytes, but the file has {size}")
        return {name: _array(archive, entry) if name in places else None for name, entry in entries.items()}


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):  # reading to the end is what compares the checksum, too
            raise ValueError(f"{entry.filename} is longer than its header says")
    return array
