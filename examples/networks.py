"""The networks by the names that a command line takes, built from its options."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from specframe import Tensor, checkpoint
from specframe.layers import Module
from specframe.memory import put_in_place
from specframe.models import saved

NETS = {name.lower(): net for name, net in saved.NETS.items()}
SPECTRAL = ("beta", "scale", "grid", "activation", "batch_norm")  # options that only a spectral net has


def twin_of(name: str) -> str | None:
    """The spatial twin of a spectral net, by name; None for a spatial net."""
    return name.removeprefix("spec") if name.startswith("spec") else None


def build(name: str, option: Mapping[str, Any], channels: int, image_size: int) -> Module:
    """A network with its initial weights."""
    kind, settings = arguments_of(name, option, channels, image_size)
    net = kind(**settings)
    return put_in_place(net) if option.get("in_place") else net


def arguments_of(
    name: str, option: Mapping[str, Any], channels: int, image_size: int
) -> tuple[Callable[..., Module], dict[str, Any]]:
    """(class, its arguments) of a network; options that are None leave the model's own default."""
    classes = option.get("classes", range(10))
    settings = {"in_channels": channels, "num_classes": len(classes), "seed": option["seed"]}
    lenet = name.endswith("lenet5")
    if not lenet:
        settings["width"] = option["width"]
    if not name.endswith(("densenet", "resnet")):  # these end in an average over the map, of any size
        settings["image_size"] = image_size
    if twin_of(name):
        settings |= {key: option[key] for key in SPECTRAL if option[key] is not None}
        settings["paper_strict"] = option.get("paper", False)
        if lenet and (settings.pop("activation", "tanh"), settings.pop("batch_norm", "none")) != ("tanh", "none"):
            raise ValueError("speclenet5 has tanh and no batch normalisation")
    if option.get("in_place"):
        settings["activation"] = "leaky_relu"
    return NETS[name], settings


def put_under_checkpoints(net: Module, slices: int, image_size: int) -> None:
    """Let each stage of a net, or each layer of a dense block, keep its input only; names and parameters stay.

    It runs again in the backward, on `slices` parts of the batch one after another, on fewer in proportion where the
    maps are smaller than the images.
    """

    def under_checkpoint(part: Callable[..., Tensor], *inputs: Any) -> Tensor:
        *number, x = inputs  # only the maps x are to be kept
        return checkpoint(partial(part, *number), x, slices=max(1, slices * x.shape[0] // image_size))

    for name in ("stage", "first", "layer"):
        if hasattr(net, name):
            setattr(net, name, partial(under_checkpoint, getattr(net, name)))
