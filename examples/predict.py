"""Classify image files with a trained checkpoint, and draw the maps that the first layer made of the first of them.

    python examples/predict.py runs/lenet_mnist/checkpoint.npz seven.png three.png
    python examples/predict.py runs/specvgg16_cifar10/checkpoint.npz cat.jpg --out maps.png

Pictures are read with Pillow (extra `images`) as the eye sees them, brought to the size and channels that the net was
trained on, and normalised as its training set was. The grey sets, such as MNIST, are light on dark: --invert turns a
dark drawing on light ground around. Of a transparent picture the drawing is known, so it becomes light in any case.
"""

import sys
from typing import Any

import numpy as np
from command_line import Parser, guarded
from networks import build

from specframe import backend, ops
from specframe.data import DATASETS
from specframe.data.image import brightness, flatten, read_image
from specframe.layers import Module, SpectralBlock
from specframe.tensor import Tensor
from specframe.training import CheckpointError, load_checkpoint, plots


def main(arguments: list[str] | None = None) -> int:
    parser = make_parser()
    option = {"net": None, "invert": False, "out": "maps.png"} | vars(parser.parse_args(arguments))
    return guarded(parser, run, option)


def make_parser() -> Parser:
    parser = Parser("predict.py", __doc__.split("\n\n")[0])
    add = parser.add_argument
    add("checkpoint", metavar="CHECKPOINT", help="written by examples/train.py or examples/lenet_mnist.py")
    add("images", metavar="IMAGE", nargs="+", help="image files of any size and format that Pillow reads")
    add("--net", choices=["spectral", "spatial"], help="which net of the checkpoint (the spectral one, if it is there)")
    add("--invert", action="store_true", help="swap bright and dark")
    add("--out", metavar="FILE", help="picture of the first layer's spectra and maps, for a spectral net (maps.png)")
    return parser


def run(option: dict[str, Any]) -> int:
    model, data = load_net(option["checkpoint"], option["net"])
    pixels = np.stack([read(path, data, option["invert"]) for path in option["images"]])
    mean, std = (np.float32(each).reshape(-1, 1, 1) for each in (data.mean, data.std))
    images = (pixels - mean) / std
    logits = model.eval()(Tensor(np.ascontiguousarray(images.transpose(2, 3, 0, 1))))
    for path, probabilities in zip(option["images"], ops.softmax(logits).numpy(), strict=True):
        best = np.argsort(-probabilities)[:3]
        print(f"{path}: " + ", ".join(f"{data.classes[c]} {100 * probabilities[c]:.1f} %" for c in best))
    block = next((module for module in model.modules() if isinstance(module, SpectralBlock)), None)
    if block is not None and plots.available():
        plots.spectra(option["out"], block, images[0], betas=sorted({0.0, float(np.min(block.beta)), 1.0, 1.5}))
        print(f"the first layer's maps of {option['images'][0]}: {option['out']}")
    return 0


def load_net(path: str, chosen: str | None) -> "tuple[Module, Trained]":
    """(model, Trained) from a checkpoint."""
    saved = load_checkpoint(path)
    try:
        option, nets = saved["options"], saved["nets"]
        data = Trained(option)
        kind = chosen or ("spectral" if "spectral" in nets else next(iter(nets)))
        if kind not in nets:
            raise CheckpointError(f"{path}: holds no {kind} net, but {' and '.join(nets)}")
        if "model" in option:
            name = option["model"] if kind == "spectral" else option["model"].removeprefix("spec")
        else:  # of lenet_mnist.py
            name = "speclenet5" if kind == "spectral" else "lenet5"
            option = option | {"scale": option["tanh_scale"], "grid": None, "activation": "tanh", "batch_norm": None}
        model = build(name, option, data.shape[0], data.shape[1])
        model.load_state_dict(nets[kind].get("best") or nets[kind]["model"])
    except KeyError as error:
        raise CheckpointError(f"{path}: not a checkpoint of these examples (no {error})") from None
    return model.to(backend.get("cpu")), data


class Trained:
    """What a net was trained on: name, classes, shape (channels, rows, cols), mean and std of a channel.

    `drawn` says that the images are light drawings on dark ground, as in all the grey sets.
    """

    def __init__(self, option: dict[str, Any]) -> None:
        self.name = option["data"]
        kind = DATASETS.get(self.name)  # None: a folder of pictures, which need not be here any more
        self.mean: Any = 0 if kind is None else kind.MEAN
        self.std: Any = 1 if kind is None else kind.STD
        if kind is None or "classes" in option:
            self.classes, self.shape = tuple(option["classes"]), tuple(option["image_shape"])
        else:  # of lenet_mnist.py
            self.classes, self.shape = kind.CLASSES, kind.SHAPE
        self.drawn = kind is not None and self.shape[0] == 1


def read(path: str, data: Trained, invert: bool) -> Any:
    """(channels, rows, cols) float32 in [0, 1]."""
    pixels = read_image(path, data.shape[1:], data.shape[0], background=None)
    transparent = len(pixels) > data.shape[0]
    pixels = brightness(flatten(pixels) if transparent else pixels)
    pixels = 1 - pixels if invert else pixels
    if data.drawn and on_light_ground(pixels):
        if transparent:
            return 1 - pixels
        hint = "leave out --invert" if invert else "--invert turns it around"
        print(f"{path}: looks dark on light, while {data.name} is light on dark: {hint}", file=sys.stderr)
    return pixels


def on_light_ground(pixels: Any) -> bool:
    """Whether most of the outermost pixels are light."""
    edge = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=-1)
    return bool(np.median(edge) > 0.5)


if __name__ == "__main__":
    sys.exit(main())
