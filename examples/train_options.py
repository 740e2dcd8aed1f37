"""What train.py can be told: its options, their defaults, and which of them go together."""

import argparse
import re
import shlex
from typing import Any

from command_line import Parser, number, store
from networks import NETS, SPECTRAL, twin_of

from specframe.data import DATASETS, Augment
from specframe.training import PRESETS

DEFAULTS = {
    "model": None, "data": None, "beta": None, "scale": None, "activation": None, "batch_norm": None, "grid": None,
    "width": 1.0, "lr": None, "momentum": None, "weight_decay": None, "schedule": None, "epochs": None,
    "batch_size": None, "store": "auto", "seed": 0, "train_size": None, "test_size": None, "augment": None,
    "twin": False, "paper": False, "slices": None, "in_place": False,
    "beta_warmup": None,
}  # fmt: skip
TUNED = {"vgg16": {"lr": 0.025}, "specvgg16": {"lr": 0.025, "beta": 0.2}}  # by six seeds each: docs/deep.md
SIGNS = ("mnist", "kmnist", "digits", "svhn")
LATER = {"in_place": False, "beta_warmup": None}  # what checkpoints of older versions lack
PLACE = {"device": "auto", "out": None, "data_dir": None, "pictures": True}  # what a checkpoint does not remember


def make_parser(kind: type[Parser] = Parser) -> Parser:
    parser = kind(
        "train.py", "Train a network, spectral or spatial, and its twin.",
        "Ctrl-C stops after the current batch and writes the checkpoint; --resume continues exactly.",
    )  # fmt: skip
    add = parser.add_argument
    add("--model", choices=sorted(NETS), help="the network; those with spec are spectral")
    add("--data", type=data_name, metavar="NAME",
        help=f"the data set: {', '.join(sorted(DATASETS))}, or folder:PATH:SIZE, a folder of pictures, "
        "brought to SIZE x SIZE (cifar10; of LeNet mnist)")  # fmt: skip
    add("--data-dir", metavar="DIR", help="folder with the data files; else $SPECFRAME_DATA, the cache, a download")
    add("--beta", type=number(float, 0), help="threshold on |Y|: larger keeps fewer frequencies (0.5; SpecVGG16 0.2)")
    add("--beta-warmup", type=number(int, 1), metavar="N", help="let beta grow from 0 over the first N epochs (no)")
    add("--scale", type=number(float, 0, strict=True), help="a in a f(x / a) of the spectral activation (the model's)")
    add("--activation", choices=["tanh", "softsign", "hardtanh", "arctan"], help="f of the spectral activation (tanh)")
    add("--batch-norm", choices=["pool", "spectral", "none"],
        help="of a spectral net: in space after pooling, inside the blocks, or none (the model's)")  # fmt: skip
    add("--grid", choices=["fast", "linear", "same", "paper", "circular"], help="of a spectral net (the model's)")
    add("--width", type=number(float, 0, strict=True), help="scales the channels of all but LeNet (1)")
    add("--epochs", type=number(int, 1), help="passes over the training set (30; LeNet 5, on digits 40; paper 300)")
    add("--batch-size", type=number(int, 1), help="images a step (64)")
    add("--lr", type=number(float, 0, strict=True), help="highest learning rate of the schedule (0.1; VGG16 0.025)")
    add("--momentum", type=number(float, 0), help="of SGD (0.9)")
    add("--weight-decay", type=number(float, 0), help="of SGD (5e-4)")
    add("--schedule", choices=["cycle", "halve", "constant"],
        help="one cycle of the learning rate, halved every 50 epochs, or the same throughout (cycle)")  # fmt: skip
    add("--device", choices=["auto", "cpu", "cuda"], help="auto takes a GPU where CuPy finds one (auto)")
    add("--store", type=store, metavar="STORE",
        help="how saved activations are kept: auto, dense, csr, mask, or lossy: mask8, quant8, topk:0.1:int8, ... "
        "(auto: lossless, the smallest of dense, csr and mask)")  # fmt: skip
    add("--slices", type=number(int, 1), metavar="N",
        help="keep only what each stage reads and run it again in the backward, on N parts of the batch one after "
        "another: the same training in less memory and more time (no)")  # fmt: skip
    add("--in-place", action="store_true",
        help="a spatial net with leaky ReLU, which shares one map with the normalisation before it: InPlace-ABN (no)"
    )  # fmt: skip
    add("--seed", type=number(int, 0), help="of the initial weights and of the order of the images (0)")
    add("--train-size", type=number(int, 1), metavar="N", help="use only the first N training images")
    add("--test-size", type=number(int, 1), metavar="N", help="use only the first N test images")
    augment = parser.add_mutually_exclusive_group()
    augment.add_argument("--augment", action="store_true", help="random crops and flips, of digits only crops (CIFAR)")
    augment.add_argument("--no-augment", dest="augment", action="store_false", help="neither")
    add("--twin", action="store_true", help="train the spatial twin of a spectral net too")
    add("--paper", action="store_true",
        help="the paper's settings: lr 0.1 halved every 50 epochs, momentum 0.95, no weight decay, 300 epochs, "
        "and spectral nets as printed: plain tanh, no batch normalisation, no ReLU, the grids of Table 1")  # fmt: skip
    add("--workers", type=number(int, 0), metavar="N",
        help="processes that share each batch, for the same training; 0: one a GPU or core (1)")  # fmt: skip
    add("--out", metavar="DIR", help="folder for metrics.json, history.csv, checkpoint.npz, pictures (runs/MODEL_DATA)")
    add("--no-pictures", dest="pictures", action="store_false", help="no curves.png and spectra.png")
    how = parser.add_mutually_exclusive_group()
    add = how.add_argument
    add("--resume", action="store_true",
        help="continue from the checkpoint in --out, with its options; for more --epochs where its schedule has no end"
    )  # fmt: skip
    add("--overwrite", action="store_true", help="replace what an earlier run left in --out")
    return parser


def augmentation(option: dict[str, Any]) -> Augment | None:
    """How training images are moved about: a mirror makes digits into other signs, and they fill their images."""
    if not option["augment"]:
        return None
    return Augment(pad=2, flip=False) if option["data"] in SIGNS else Augment()


def data_name(text: str) -> str:
    """An argparse type: the name of a data set, or a folder of pictures."""
    if text not in DATASETS and not text.startswith("folder:"):
        raise argparse.ArgumentTypeError(f"expected {', '.join(sorted(DATASETS))} or folder:PATH:SIZE, got {text}")
    return text


def settled(given: dict[str, Any], saved: dict[str, Any] | None) -> dict[str, Any]:
    """All options: those given, then those of the checkpoint's run, or the defaults.

    Raises
    ------
    ValueError
        An option that the network does not have, or that contradicts the checkpoint.
    """
    if saved is not None:
        for name in sorted(given.keys() & saved.keys() - {"epochs"}):
            if given[name] != saved[name]:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag} {given[name]} contradicts the checkpoint, which was made with {saved[name]}")
        return PLACE | saved | given
    option = DEFAULTS | PLACE | given
    model, lenet = option["model"], option["model"].endswith("lenet5")
    unused = [name for name in (*SPECTRAL, "beta_warmup", "twin") if name in given and twin_of(model) is None]
    if unused:
        raise ValueError(f"--{unused[0].replace('_', '-')} goes with a spectral net, {model} is a spatial one")
    if option["in_place"] and (lenet or twin_of(model)):
        raise ValueError(f"--in-place goes with a spatial net that has batch normalisation, not with {model}")
    if lenet and option["width"] != 1:
        raise ValueError(f"--width scales all nets but LeNet, {model} has one width")
    data = option["data"] or ("mnist" if lenet else "cifar10")
    preset = PRESETS["paper" if option["paper"] else "lenet" if lenet else "deep"]
    few = lenet and data == "digits" and not option["paper"]  # 42 times fewer images than MNIST
    usual = {
        "data": data, "augment": data in ("cifar10", "cifar100"), "epochs": 40 if few else preset.epochs,
        "batch_size": preset.batch_size, "lr": preset.lr, "momentum": preset.momentum,
        "weight_decay": preset.weight_decay, "schedule": "halve" if option["paper"] else "cycle",
        "beta": 0.5 if twin_of(model) else None, **({} if option["paper"] else TUNED.get(model, {})),
    }  # fmt: skip
    option |= {name: value for name, value in usual.items() if option[name] is None}
    if option["beta_warmup"] and option["beta_warmup"] >= option["epochs"]:
        raise ValueError(f"--beta-warmup {option['beta_warmup']} ends after the last of {option['epochs']} epochs")
    return option


def flags_of(option: dict[str, Any]) -> list[str]:
    """The command line that gives these options."""
    flags = [] if option["augment"] else ["--no-augment"]
    for name in DEFAULTS:
        value, flag = option[name], "--" + name.replace("_", "-")
        if value is not None and value is not False:
            flags.append(flag if value is True else f"{flag}={value}")
    return flags


def command_of(option: dict[str, Any]) -> str:
    """The shortest command that trains with these options."""
    usual = settled({"model": option["model"], "data": option["data"], "paper": option["paper"]}, None)
    flags = ["--model", option["model"], "--data", option["data"]]
    for name in DEFAULTS:
        value, flag = option[name], "--" + name.replace("_", "-")
        if value != usual[name] and not (value is False and name != "augment"):
            flags += ["--no-augment"] if value is False else [flag] if value is True else [flag, str(value)]
    flags += ["--paper"] if option["paper"] else []
    return shlex.join(["python", "examples/train.py", *flags])


def default_out(given: dict[str, Any]) -> str:
    """runs/MODEL_DATA."""
    if "model" not in given:
        raise ValueError("--resume needs --out, or --model and --data, to find the checkpoint")
    option = settled(given, None)
    return f"runs/{option['model']}_{re.sub('[^A-Za-z0-9.-]+', '_', option['data'])}"
