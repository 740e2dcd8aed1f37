"""Trained weights that come with the package: pretrained(name), and what is known of them: model_card(name).

models/pretrained/NAME.npz holds the state of a net, its floats in half precision, and the card, JSON as bytes.
"""

import json
import os
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from specframe import files
from specframe.layers import Module
from specframe.models.saved import NETS

LIMIT = 4_000_000  # bytes of a file
CARD = "card.json"  # the card's name among the arrays


class ModelCard(NamedTuple):
    """What a user should know before trusting the weights.

    Attributes
    ----------
    net : str, name of the class in specframe.models
    settings : dict, its arguments
    data : str, name of the data set, as open_dataset takes it
    accuracy : float, 0 to 1, of these very weights, half precision included, on the test set
    saved_bytes : int, saved for backward in a training step
    batch_size : int, of that step
    command : str, what trained them
    """

    net: str
    settings: dict[str, Any]
    data: str
    accuracy: float
    saved_bytes: int
    batch_size: int
    command: str

    def __str__(self) -> str:
        return (
            f"{self.net}: {100 * self.accuracy:.2f} % on the test set of {self.data}; {self.saved_bytes / 1e6:.3f} MB "
            f"saved for the backward of {self.batch_size} images; trained by: {self.command}"
        )


def pretrained(name: str) -> Module:
    """A trained net, on the CPU and in evaluation mode.

    Parameters
    ----------
    name : str, "speclenet5_mnist", ...

    Raises
    ------
    ValueError
        No weights of this name come with the package; the sentence lists those that do.

    >>> net = pretrained("speclenet5_mnist")
    >>> type(net).__name__, net.training
    ('SpecLeNet5', False)
    """
    return read(_path(name))[0]


def model_card(name: str) -> ModelCard:
    """What is known of the weights of this name; errors as in `pretrained`."""
    return read(_path(name))[1]


def pretrained_names() -> list[str]:
    """The names that `pretrained` knows."""
    files_there = _folder().iterdir() if _folder().is_dir() else ()
    return sorted(path.name.removesuffix(".npz") for path in files_there if path.name.endswith(".npz"))


def _folder() -> Any:
    return resources.files("specframe.models") / "pretrained"


def _path(name: str) -> str:
    known = pretrained_names()
    if name not in known:
        raise ValueError(f"pretrained: there are no weights called {name!r}, choose {', '.join(known)}")
    return str(_folder() / f"{name}.npz")


# ---- files -------------------------------------------------------------------------------------------------------


def write(net: Module, card: ModelCard, path: str | os.PathLike[str]) -> None:
    """Write the state of a net and its card.

    Raises
    ------
    ValueError
        The file would be larger than 4 MB, or half precision cannot hold a weight.
    """
    state = {name: half(name, array) for name, array in net.state_dict().items()}
    size = sum(array.nbytes for array in state.values())
    if size > LIMIT:
        raise ValueError(f"{path}: {size / 1e6:.1f} MB of weights, expected at most {LIMIT / 1e6:g}")
    text = json.dumps(card._asdict(), indent=1).encode()
    files.save(state | {CARD: np.frombuffer(text, np.uint8)}, path)


def read(path: str | os.PathLike[str]) -> tuple[Module, ModelCard]:
    """(net, its card) from a file that `write` wrote; ValueError for another one."""
    state = files.load(path)
    try:
        card = ModelCard(**json.loads(state.pop(CARD).tobytes()))
        net: Module = NETS[card.net](**card.settings)
        net.load_state_dict({name: array.astype(np.float32) for name, array in state.items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)}: no weights with a card: {error}") from None
    return net.eval(), card


def half(name: str, array: Any) -> Any:
    """A float array in half precision; ValueError where that overflows."""
    with np.errstate(over="ignore"):
        small = np.asarray(array).astype(np.float16)
    if not np.isfinite(small).all():
        raise ValueError(f"{name}: half precision cannot hold {np.abs(array).max():g}")
    return small
