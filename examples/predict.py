"""Classify image files with a trained checkpoint, and draw the maps that the first layer made of the first of them.

    python examples/predict.py runs/lenet_mnist/checkpoint.npz seven.png three.png
    python examples/predict.py runs/specvgg16_cifar10/checkpoint.npz cat.jpg --out maps.png

Images are read with Pillow (extra `images`), brought to the size and channels that the net was trained on, and
normalised as its training set was. MNIST's digits are bright on dark: --invert turns dark-on-bright ones around.
"""

import sys

import numpy as np
from command_line import Parser, guarded
from networks import build

from specframe import backend
from specframe.data import cifar10, svhn
from specframe.layers import SpectralBlock
from specframe.tensor import Tensor
from specframe.training import CheckpointError, load_checkpoint, plots

CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CHANNELS = {"mnist": 1, "digits": 1, "cifar10": 3, "svhn": 3}
SIZE = {"mnist": 28, "digits": 28, "cifar10": 32, "svhn": 32}
NORMALISATION = {"cifar10": (cifar10.MEAN, cifar10.STD), "svhn": (svhn.MEAN, svhn.STD)}


def main(arguments=None):
    parser = make_parser()
    option = {"net": None, "invert": False, "out": "maps.png"} | vars(parser.parse_args(arguments))
    return guarded(parser, run, option)


def make_parser():
    parser = Parser("predict.py", __doc__.split("\n\n")[0])
    add = parser.add_argument
    add("checkpoint", metavar="CHECKPOINT", help="written by examples/train.py or examples/lenet_mnist.py")
    add("images", metavar="IMAGE", nargs="+", help="image files of any size and format that Pillow reads")
    add("--net", choices=["spectral", "spatial"], help="which net of the checkpoint (the spectral one, if it is there)")
    add("--invert", action="store_true", help="swap bright and dark")
    add("--out", metavar="FILE", help="picture of the first layer's spectra and maps, for a spectral net (maps.png)")
    return parser


def run(option):
    model, data = load_net(option["checkpoint"], option["net"])
    pixels = np.stack([read_image(path, data, option["invert"]) for path in option["images"]])
    images = normalised(pixels, data)
    logits = model.eval()(Tensor(np.ascontiguousarray(images.transpose(2, 3, 0, 1))))
    for path, probabilities in zip(option["images"], softmax(logits.numpy()), strict=True):
        best = np.argsort(-probabilities)[:3]
        print(f"{path}: " + ", ".join(f"{class_name(data, c)} {100 * probabilities[c]:.1f} %" for c in best))
    block = next((module for _, module in model.modules() if isinstance(module, SpectralBlock)), None)
    if block is not None and plots.available():
        plots.spectra(option["out"], block, images[0], betas=sorted({0.0, float(np.min(block.beta)), 1.0, 1.5}))
        print(f"the first layer's maps of {option['images'][0]}: {option['out']}")
    return 0


def load_net(path, chosen):
    """(model, name of its data set) from a checkpoint."""
    saved = load_checkpoint(path)
    try:
        option, nets = saved["options"], saved["nets"]
        kind = chosen or ("spectral" if "spectral" in nets else next(iter(nets)))
        if kind not in nets:
            raise CheckpointError(f"{path}: holds no {kind} net, but {' and '.join(nets)}")
        if "model" in option:
            name = option["model"] if kind == "spectral" else option["model"].removeprefix("spec")
        else:  # of lenet_mnist.py
            name = "speclenet5" if kind == "spectral" else "lenet5"
            option = option | {"scale": option["tanh_scale"], "grid": None, "activation": "tanh", "batch_norm": None}
        model = build(name, option, CHANNELS[option["data"]], SIZE[option["data"]])
        model.load_state_dict(nets[kind].get("best") or nets[kind]["model"])
    except KeyError as error:
        raise CheckpointError(f"{path}: not a checkpoint of these examples (no {error})") from None
    return model.to(backend.get("cpu")), option["data"]


def read_image(path, data, invert):
    """(channels, rows, cols) float32 in [0, 1]."""
    from PIL import Image, UnidentifiedImageError  # an extra: only this function needs it

    try:
        with Image.open(path) as image:
            image = image.convert("L" if CHANNELS[data] == 1 else "RGB").resize((SIZE[data],) * 2)
            pixels = np.asarray(image, np.float32) / 255
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not an image that Pillow can read") from None
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return 1 - pixels if invert else pixels


def normalised(pixels, data):
    if data not in NORMALISATION:
        return pixels
    mean, std = (np.asarray(values, np.float32)[:, None, None] for values in NORMALISATION[data])
    return (pixels - mean) / std


def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def class_name(data, number):
    return CIFAR10_NAMES[number] if data == "cifar10" else str(number)


if __name__ == "__main__":
    sys.exit(main())
