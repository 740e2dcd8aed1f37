"""save and load: arrays in a file of NumPy's (.npz), which holds numbers and nothing that could run.

    sf.save(model, "weights.npz")              model.load_state_dict(sf.load("weights.npz"))
    sf.save({"w": w, "b": b}, "two.npz")       sf.load("two.npz")["w"]
    sf.save(x, "one.npz")                      x = sf.load("one.npz")

The name is taken as it is. A file is written whole or not at all.
"""

import os
import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from specframe import backend
from specframe.atomic import write_atomically
from specframe.tensor import Tensor

Path = str | os.PathLike[str]
ALONE = "tensor"  # the name of a tensor that is not saved by a name


def save(what: Any, path: Path) -> None:
    """Write a model's state, arrays by name, or one Tensor.

    Parameters
    ----------
    what : anything with `state_dict()`; a dict of arrays or Tensors by name; a Tensor or an array
    path : of the file

    Raises
    ------
    TypeError
        Something else, or an array that holds no numbers.
    OSError
        The file cannot be written; what was there before is still there.
    """
    state = what.state_dict() if hasattr(what, "state_dict") else what
    state = state if isinstance(state, Mapping) else {ALONE: state}
    arrays = {str(name): _numbers(name, value) for name, value in state.items()}

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)

    write_atomically(path, write, make_folders=False)


def load(path: Path) -> Any:
    """Read what `save` wrote, or another .npz or .npy of NumPy's.

    Returns
    -------
    dict of NumPy arrays by name; a Tensor, where one was saved alone

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        It is damaged, or holds other things than numbers.
    """
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = {ALONE: loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
        arrays = {name: _numbers(name, array) for name, array in arrays.items()}
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ValueError(f"{os.fspath(path)}: no arrays of numbers in it: {str(error)[:300]}") from error
    return Tensor(arrays[ALONE]) if list(arrays) == [ALONE] else arrays


def _numbers(name: Any, value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(backend.to_host(value.data if isinstance(value, Tensor) else value))
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name!r}: only arrays of numbers can be saved, got {type(value).__name__} of {array.dtype}")
    return array
