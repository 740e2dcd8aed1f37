"""What a file of weights says of the net that they are of, and the net that is made of both.

    {"specframe": 1, "net": "SpecLeNet5", "settings": {"image_size": 28, "beta": 0.5, ...}}

Only the nets of specframe.models are made again, by their name in a list, and none is larger than its weights: a file
can bring numbers, and nothing that runs.
"""

import inspect
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from specframe.layers import Module
from specframe.models.alexnet import AlexNet, SpecAlexNet
from specframe.models.densenet import DenseNet, SpecDenseNet
from specframe.models.lenet import LeNet5, SpecLeNet5
from specframe.models.net import Net, plain
from specframe.models.resnet import ResNet, SpecResNet
from specframe.models.vgg import VGG16, SpecVGG16

VERSION = 1
NETS: dict[str, Callable[..., Net]] = {
    net.__name__: net
    for net in (AlexNet, DenseNet, LeNet5, ResNet, SpecAlexNet, SpecDenseNet, SpecLeNet5, SpecResNet, SpecVGG16, VGG16)
}


def describe(module: Any) -> str:
    """A line of text that says how to make a net again; "" of anything else, and of a net changed since it was made."""
    name, settings = type(module).__name__, getattr(module, "made_with", None)
    if NETS.get(name) is not type(module) or settings is None:
        return ""
    try:
        again = _blank(name, settings, module.num_parameters())
    except ValueError:  # it has become smaller
        return ""
    return json.dumps({"specframe": VERSION, "net": name, "settings": settings}) if _alike(again, module) else ""


def make(text: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Net | None:
    """The net that a line of text describes, with these arrays as its state; None where the text is not ours.

    Raises
    ------
    ValueError and others
        The text is damaged, or the arrays are not those of the net.
    """
    said = json.loads(text) if text else {}
    if not isinstance(said, dict) or said.get("specframe") != VERSION or said.get("net") not in NETS:
        return None
    net = _blank(said["net"], said["settings"], sum(array.size for array in arrays.values()))
    net.load_state_dict(arrays)
    return net


class _Zeros(np.random.Generator):
    """Draws zeros, in the place of initial weights, and not more of them than there are in all."""

    def __init__(self, most: int) -> None:
        super().__init__(np.random.PCG64(0))
        self.left = most

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        self.left -= math.prod(size)
        if self.left < 0:
            raise ValueError("its settings ask for more weights than there are")
        return np.zeros(size)


def _blank(name: str, settings: dict[str, Any], most: int) -> Net:
    """A net with weights of zeros, of at most so many."""
    if settings.get("layers", 0) > most:  # of a DenseNet: it makes lists of that length before it draws a weight
        raise ValueError("its settings ask for more layers than there are weights")
    return NETS[name](**settings, seed=_Zeros(most))


def _alike(made: Module, module: Module) -> bool:
    """Whether a module has the parts, the sizes and the settings of one that was just made."""
    parts, others = list(made.named_modules()), list(module.named_modules())
    if [(name, type(part)) for name, part in parts] != [(name, type(part)) for name, part in others]:
        return False
    for (_, part), (_, other) in zip(parts, others, strict=True):
        theirs = _kept(other)
        if any(name not in theirs or theirs[name] != value for name, value in _kept(part).items()):
            return False
    return True


def _kept(part: Module) -> dict[str, Any]:
    """What a module computes with: its settings and functions, and of its arrays the sizes."""
    kept: dict[str, Any] = {}
    for name, value in vars(part).items():
        try:
            kept[name] = plain(value)
        except TypeError:
            if inspect.isfunction(value):
                kept[name] = value
            elif hasattr(value, "dtype"):
                kept[name] = value.shape, value.dtype
    kept.pop("training", None)
    return kept
