"""Net: a network that knows what it was made with, so that a file of its weights can say how to make it again."""

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from specframe.layers import Module

N = TypeVar("N", bound="Net")


class Net(Module):
    """Base of the networks.

    Attributes
    ----------
    best, paper : dicts
        What settings that are None are: those that measured best, and those of the paper under `paper_strict`.
    made_with : dict or None
        What it was made with, by name, as numbers, strings, booleans and lists of them; the seed is left out. None
        where something else was among it.
    """

    best: Mapping[str, Any] = {}
    paper: Mapping[str, Any] = {}
    made_with: dict[str, Any] | None

    def __new__(cls: type[N], *args: Any, **kwargs: Any) -> N:
        net = super().__new__(cls)
        try:
            given = inspect.signature(cls).bind(*args, **kwargs)
            given.apply_defaults()
            net.made_with = net._settled(given.arguments)
        except TypeError:
            net.made_with = None  # of wrong arguments __init__ speaks
        return net

    def _settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        usual = self.paper if given.get("paper_strict") else self.best
        settings = {name: usual.get(name) if value is None else value for name, value in given.items()}
        settings.pop("seed", None)
        return {name: np.dtype(value).name if name == "dtype" else plain(value) for name, value in settings.items()}


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples are lists, NumPy's numbers Python's; TypeError for what it has not."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"expected numbers, strings, booleans and lists of them, got {type(value).__name__}")
