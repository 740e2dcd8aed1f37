"""Files of the safetensors format: arrays by name and a few lines of text. Needs the library of that name, an extra.

Source: https://github.com/huggingface/safetensors.
"""

import importlib
import os
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

Path = str | os.PathLike[str]
OURS = "specframe"  # the name of our line of text


def is_one(path: Path) -> bool:
    """Whether a path is that of such a file, by its ending."""
    return os.fspath(path).lower().endswith(".safetensors")


def library(path: Path) -> Any:
    """The library.

    Raises
    ------
    ModuleNotFoundError
        It is not installed.
    """
    try:
        return importlib.import_module("safetensors.numpy")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{os.fspath(path)}: this needs the library safetensors: pip install 'specframe[safetensors]'"
        ) from error


def write(file: IO[bytes], arrays: Mapping[str, np.ndarray[Any, Any]], text: str, path: Path) -> None:
    """Write arrays, and our line of text where there is one, to an open file; `path` is for the error.

    Raises
    ------
    TypeError
        The format cannot hold it: complex128, or an array called "__metadata__".
    """
    native = {name: array.astype(array.dtype.newbyteorder("="), "C", copy=False) for name, array in arrays.items()}
    if "__metadata__" in native:
        raise TypeError(f"{os.fspath(path)}: no array can be called '__metadata__' in this format")
    pack = library(path).save
    try:
        content = pack(native, {OURS: text} if text else None)
    except Exception as error:  # the library has one kind of its own, and says which dtype
        raise TypeError(f"{os.fspath(path)}: {error}") from error
    file.write(content)


def read(path: Path) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    """Arrays by name, and our line of text, "" where there is none; errors of many kinds where it is damaged."""
    library(path)
    opened = importlib.import_module("safetensors").safe_open
    with open(path, "rb"), opened(os.fspath(path), "numpy") as file:  # `open`, because its errors name the path
        arrays = {name: file.get_tensor(name) for name in file.keys()}
        return arrays, (file.metadata() or {}).get(OURS, "")
