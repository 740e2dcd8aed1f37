"""Checkpoints: one .npz file with named arrays, and meta.json for everything else. No pickle.

A state is a dict of dicts, lists, NumPy arrays, numbers, strings, booleans and None. Every array is an entry of the
file, in the format .npy, named by its path: "nets/spectral/model/conv1.weight". meta.json holds the rest of the state,
with null in the place of each array, and the list of the arrays: path, shape, dtype, and the CRC of the entry.

What is read is compared with that list, and meta.json with its own CRC: a damaged file gives what was saved or an
error, never less. Entries are not compressed, so that reading takes no more memory than the file has bytes.
"""

import json
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specframe.atomic import write_atomically

FORMAT = "specframe checkpoint 2"
KINDS = "biufcSUmM"  # of dtypes that need no pickle and no list of fields

Array: TypeAlias = npt.NDArray[Any]


class CheckpointError(ValueError):
    """A file that is no checkpoint, is damaged, or does not belong to this run; a state that none can hold."""


def save_checkpoint(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write a state to `path`, whole or not at all.

    NumPy scalars are written as numbers, tuples as lists; a complex number becomes an array without axes.

    Raises
    ------
    CheckpointError
        The state holds what cannot be written: an object array, a key that is no string or has a "/", ...
    OSError
        The file cannot be written; the path is named.
    """
    arrays: dict[str, Array] = {}
    try:
        if not isinstance(state, Mapping):
            raise ValueError(f"expected a dict, got a {type(state).__name__}")
        rest = _without_arrays(state, (), arrays)
        write_atomically(path, lambda file: _write(file, rest, arrays))
    except (RecursionError, ValueError, struct.error) as error:
        raise CheckpointError(f"{path}: cannot save this: {error}"[:300]) from None


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The state that `save_checkpoint` wrote.

    Raises
    ------
    CheckpointError
        The file is missing, cannot be read, is no checkpoint of this format, or is damaged.
    """
    try:
        with open(path, "rb") as file:
            return _read(file)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no checkpoint here") from None
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except Exception as error:  # a damaged file may break its reader in any way
        reason = f"{type(error).__name__}: {error}"[:120]
        raise CheckpointError(f"{path}: not a specframe checkpoint, or damaged ({reason})") from None


# ---- writing ----------------------------------------------------------------------------------------------------


def _without_arrays(value: Any, path: tuple[str, ...], arrays: dict[str, Array]) -> Any:
    """`value` with None in the place of its arrays, which go to `arrays`."""
    if isinstance(value, complex | np.generic):
        value = _number(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or "/" in key or not key.isprintable():
                where = f" in {'/'.join(path)}" if path else ""
                raise ValueError(f"expected printable keys without '/'{where}, got {key!r:.60}")
        return {key: _without_arrays(item, (*path, key), arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(item, (*path, str(i)), arrays) for i, item in enumerate(value)]
    if type(value) in (np.ndarray, np.memmap) and value.dtype.kind in KINDS:
        arrays["/".join(path)] = value
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    kind = f"an array of {value.dtype}" if type(value) is np.ndarray else f"a {type(value).__name__}"
    raise ValueError(f"expected numbers, strings and NumPy arrays of numbers, got {kind} at {'/'.join(path)}")


def _number(scalar: complex | np.generic) -> Any:
    """A NumPy scalar as a Python number or string where there is one of the same value, else as an array."""
    plain = scalar.item() if isinstance(scalar, np.generic) and scalar.dtype.kind in "biufU" else scalar
    return plain if isinstance(plain, bool | int | float | str) else np.asarray(plain)


def _write(file: IO[bytes], rest: Any, arrays: dict[str, Array]) -> None:
    listed = []
    with zipfile.ZipFile(file, "w") as archive:
        for path, array in arrays.items():
            with archive.open(f"{path}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)
            crc = archive.getinfo(f"{path}.npy").CRC
            listed.append({"path": path, "shape": array.shape, "dtype": array.dtype.str, "crc": crc})
        with archive.open("meta.json", "w", force_zip64=True) as entry:
            entry.write(json.dumps({"format": FORMAT, "arrays": listed, "state": rest}).encode())


# ---- reading ----------------------------------------------------------------------------------------------------


def _read(file: IO[bytes]) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        if "meta.json.npy" in entries:
            raise CheckpointError(f"another version of specframe wrote it, expected the format {FORMAT!r}")
        for info in entries.values():
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError("an entry is compressed")
        if sum(info.file_size for info in entries.values()) > os.fstat(file.fileno()).st_size:
            raise ValueError("the entries are larger than the file")
        meta = json.loads(archive.read("meta.json"))  # zipfile compares the CRC of all that it reads
        state, listed = meta["state"], meta["arrays"]
        if meta["format"] != FORMAT or not isinstance(state, dict):
            raise CheckpointError(f"expected the format {FORMAT!r}")
        if entries.keys() != {"meta.json", *(f"{array['path']}.npy" for array in listed)}:
            raise ValueError("other arrays than it lists")
        for array in listed:
            info = entries[f"{array['path']}.npy"]
            if info.CRC != array["crc"]:
                raise ValueError(f"{array['path']} is not what was saved")
            _put(state, array["path"], _array(archive.read(info), array["shape"], np.dtype(array["dtype"])))
        return state


def _put(state: Any, path: str, array: Array) -> None:
    """Put an array where its path leads; null stands there so far."""
    *folders, leaf = path.split("/")
    for folder in folders:
        state = state[int(folder) if isinstance(state, list) else folder]
    key = int(leaf) if isinstance(state, list) else leaf
    if state[key] is not None:
        raise ValueError(f"{path} is not free")
    state[key] = array


def _array(entry: bytes, shape: list[int], dtype: np.dtype[Any]) -> Array:
    """The array in an entry. Its header is not needed: it says the same as `shape` and `dtype`."""
    count, start = math.prod(shape), 10 + int.from_bytes(entry[8:10], "little")  # magic, length of the header, header
    if len(entry) != start + count * dtype.itemsize:
        raise ValueError(f"{len(entry) - start} bytes are no array of {dtype} and shape {shape}")
    return np.frombuffer(entry, dtype, count, start).reshape(shape).copy()
