"""Ways to train in less memory, by names that a command line takes: "quant8+checkpoint", "spec+mask8+block".

A name is a sum of parts, in any order:

    spec          the spectral net in place of its spatial twin
    strict        its settings are the paper's (paper_strict=True)
    inplace       leaky ReLU in place of ReLU, as one op with the normalisation: they keep one map (In-Place ABN)
    checkpoint    each stage, or layer of a dense block, runs a second time in the backward (sf.checkpoint)
    slicesN       the same, on N parts of the batch one after another: slices8; on fewer in proportion where the maps
                  are smaller than the images
    block         maps between two stored spectra are made again (Tape(recompute="block"))
    STORE         how values are kept: dense, quant8, topk:0.1:int8, ... (auto)
"""

import pathlib
import re
import sys
from typing import NamedTuple

from specframe.memory import put_in_place
from specframe.saving import get_store

sys.path.append(str(pathlib.Path(__file__).parents[1] / "examples"))
from networks import NETS, put_under_checkpoints

TWIN = (
    "dense", "auto", "checkpoint", "offload", "quant8", "quant4", "quant2", "topk:0.1:int8", "dct:0.25:int8",
    "dct:0.25:int8:16", "quant8+checkpoint", "slices8", "slices16+offload:dense", "inplace",
)  # fmt: skip
SPECTRAL = (
    "spec", "spec+mask", "spec+block", "spec+mask16", "spec+mask8", "spec+mask4", "spec+mask8+block", "spec+strict",
)  # fmt: skip
WORDS = ("spec", "strict", "inplace", "checkpoint", "block")
SLICES = re.compile(r"slices([1-9]\d*)")


class Strategy(NamedTuple):
    """What the parts of a name say."""

    spec: bool
    strict: bool
    inplace: bool
    checkpoint: bool
    slices: int
    recompute: str | None
    store: str


def parse(name):
    """The Strategy of a name.

    Raises
    ------
    ValueError
        A part that is neither a word nor a store, two stores, or parts that do not go together.
    """
    parts = name.split("+")
    slices = [int(match[1]) for part in parts if (match := SLICES.fullmatch(part))]
    stores = [part for part in parts if part not in WORDS and not SLICES.fullmatch(part)]
    if len(stores) > 1:
        raise ValueError(f"strategy {name}: {stores[0]} and {stores[1]} are two stores, expected one")
    for store in stores:
        try:
            get_store(store)
        except ValueError as error:
            raise ValueError(f"strategy {name}: {error}; or a part of {', '.join(WORDS)}, slicesN") from None
    spec, strict, inplace, checkpoint, block = (word in parts for word in WORDS)
    if strict and not spec:
        raise ValueError(f"strategy {name}: strict goes with spec")
    if inplace and spec:
        raise ValueError(f"strategy {name}: inplace goes with a spatial net")
    checkpoint, slices = checkpoint or bool(slices), max([1, *slices])
    return Strategy(spec, strict, inplace, checkpoint, slices, "block" if block else None, *stores or ["auto"])


def build(model, strategy, channels, image_size, width=1.0, state=None, **settings):
    """The net of a strategy, with initial weights or those of `state`; `settings` are options of its class.

    Parameters
    ----------
    model : "lenet5", "alexnet", "vgg16", "densenet" or "resnet"
    strategy : Strategy

    Raises
    ------
    ValueError
        A net that cannot be built so.
    """
    settings["in_channels"] = channels
    if model != "lenet5":
        settings["width"] = width
    if model not in ("densenet", "resnet"):
        settings["image_size"] = image_size
    if strategy.strict:
        settings["paper_strict"] = True
    if strategy.inplace:
        settings["activation"] = "leaky_relu"
        if model == "lenet5":
            raise ValueError("lenet5 has no batch normalisation to share a map with")
    try:
        net = NETS["spec" * strategy.spec + model](**settings)
    except AttributeError as error:  # an op that is not there
        raise ValueError(f"{model}: {error}") from None
    if strategy.inplace:
        put_in_place(net)
    if state is not None:
        net.load_state_dict(state)
    if strategy.checkpoint:
        put_under_checkpoints(net, strategy.slices, image_size)
    return net
