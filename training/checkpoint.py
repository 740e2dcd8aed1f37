"""Checkpoints: one .npz file with named arrays and a JSON text for everything else. No pickle.

A state is a dict that may hold further dicts; its leaves are NumPy arrays (stored as they are) or what JSON can hold
(numbers, strings, lists, None). Floating-point numbers survive JSON to the bit.
"""

import json
import zipfile

import numpy as np

from specframe.training.files import write_atomically

FORMAT = "specframe checkpoint 1"


class CheckpointError(ValueError):
    """A file that is no checkpoint, is damaged, or does not belong to this run; one sentence."""


def _split(state, prefix, arrays):
    """Move the arrays of a nested dict into `arrays`, by path; returns the rest."""
    rest = {}
    for key, value in state.items():
        path = f"{prefix}{key}"
        if isinstance(value, np.ndarray):
            arrays[path] = value
        else:
            rest[key] = _split(value, f"{path}/", arrays) if isinstance(value, dict) else value
    return rest


def save_checkpoint(path, state):
    """Write a state (a nested dict) to `path`, whole or not at all."""
    arrays = {}
    meta = json.dumps({"format": FORMAT, "state": _split(state, "", arrays)})
    write_atomically(path, lambda file: np.savez(file, **{"meta.json": np.array(meta)}, **arrays))


def load_checkpoint(path):
    """The state that `save_checkpoint` wrote.

    Raises
    ------
    CheckpointError
        The file is missing, is no checkpoint of this format, or is damaged.
    """
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            meta = json.loads(str(file["meta.json"]))
            arrays = {name: file[name] for name in file.files if name != "meta.json"}
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no checkpoint here") from None
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: not a specframe checkpoint, or damaged ({error})") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected the format {FORMAT!r}")
    state = meta["state"]
    for name, array in arrays.items():
        *folders, leaf = name.split("/")
        place = state
        for folder in folders:
            place = place.setdefault(folder, {})
        place[leaf] = array
    return state
