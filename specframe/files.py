"""save and load: arrays in a file of NumPy's (.npz) or of safetensors', which hold numbers and nothing that could run.

    sf.save(net, "net.npz")                    net = sf.load("net.npz")                  a net of specframe.models
    sf.save(model, "weights.npz")              model.load("weights.npz")                 a module of one's own
    sf.save({"w": w, "b": b}, "two.npz")       sf.load("two.npz")["w"]
    sf.save(x, "one.npz")                      x = sf.load("one.npz")

A name that ends in .safetensors asks for that format, which needs the library of that name, an extra; any other is
NumPy's. The name is taken as it is. A file is written whole or not at all.

Beside a net's arrays stands one line of text that says how to make the net again (models/saved.py): in .npz the comment
of the archive, under a checksum, in .safetensors an entry of its metadata. Other readers pass over it.
"""

import os
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from specframe import backend, safetensors
from specframe.atomic import write_atomically
from specframe.tensor import Tensor

Path = str | os.PathLike[str]
Arrays = dict[str, np.ndarray[Any, Any]]
ALONE = "tensor"  # the name of a tensor that is not saved by a name
OURS = b"specframe "  # how our comment of an archive begins

nets: Any = None  # imports specframe.models.saved, which comes after the engine: specframe/__init__.py puts it here


def save(what: Any, path: Path) -> None:
    """Write a model's state, arrays by name, or one Tensor.

    Parameters
    ----------
    what : anything with `state_dict()`; a dict of arrays or Tensors by name; a Tensor or an array
    path : of the file

    Raises
    ------
    TypeError
        Something else, or an array that holds no numbers, or none that the format has.
    OSError
        The file cannot be written; what was there before is still there.
    ModuleNotFoundError
        The name ends in .safetensors, and that library is not installed.
    """
    state, text = (what.state_dict(), nets().describe(what)) if hasattr(what, "state_dict") else (what, "")
    state = state if isinstance(state, Mapping) else {ALONE: state}
    arrays = {str(name): _numbers(name, value) for name, value in state.items()}
    form = safetensors if safetensors.is_one(path) else Npz
    write_atomically(path, lambda file: form.write(file, arrays, text, path), make_folders=False)


def load(path: Path) -> Any:
    """Read what `save` wrote, another file of safetensors', or another .npz or .npy of NumPy's.

    Returns
    -------
    A net of specframe.models, on the CPU and in training mode, where one was saved that was not changed after it was
    made; a Tensor, where one was saved alone (an array, of booleans); else a dict of NumPy arrays by name.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        It is damaged, or holds other things than numbers, or not the weights of the net that it speaks of.
    ModuleNotFoundError
        The name ends in .safetensors, and that library is not installed.
    """
    form = safetensors if safetensors.is_one(path) else Npz
    try:
        arrays, text = form.read(path)
        arrays = {name: _numbers(name, array) for name, array in arrays.items()}
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) or (isinstance(error, OSError) and error.filename is not None):
            raise
        raise ValueError(f"{os.fspath(path)}: no arrays of numbers in it: {str(error)[:300]}") from error
    try:
        net = nets().make(text, arrays) if text else None
    except Exception as error:  # whatever settings may do that a constructor does not expect
        raise ValueError(f"{os.fspath(path)}: no net can be made of it: {str(error)[:300]}") from error
    if net is not None:
        return net
    if list(arrays) != [ALONE]:
        return arrays
    return arrays[ALONE] if arrays[ALONE].dtype == bool else Tensor(arrays[ALONE])


class Npz:
    """The format of NumPy's; specframe/safetensors.py has the other."""

    @staticmethod
    def write(file: IO[bytes], arrays: Arrays, text: str, path: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
            if text:
                archive.comment = OURS + b"%08x " % zlib.crc32(text.encode()) + text.encode()

    @staticmethod
    def read(path: Path) -> tuple[Arrays, str]:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {ALONE: loaded}, ""
            return dict(loaded), _text(loaded.zip.comment)


def _text(comment: bytes) -> str:
    """Our line of text in the comment of an archive; "" where the comment is not ours."""
    if not comment.startswith(OURS):
        return ""
    crc, _, text = comment.removeprefix(OURS).partition(b" ")
    if int(crc, 16) != zlib.crc32(text):
        raise ValueError("its description of the net is damaged")
    return text.decode()


def _numbers(name: Any, value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(backend.to_host(value.data if isinstance(value, Tensor) else value))
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name!r}: only arrays of numbers can be saved, got {type(value).__name__} of {array.dtype}")
    return array
