"""Train a network, spectral or spatial, on MNIST, CIFAR-10, SVHN or the bundled digits.

    python examples/train.py --model specvgg16 --data cifar10 --width 0.25 --train-size 10000 --epochs 10 --twin
    python examples/train.py --model specdensenet --data svhn --beta 0.7
    python examples/train.py --resume --out runs/specvgg16_cifar10

The loop itself is Training.run in training/loop.py. Results go to --out, by default runs/MODEL_DATA.
"""

import os
import sys

from common import (
    Parser,
    add_common,
    guarded,
    loaders,
    merged,
    number,
    open_checkpoint,
    table,
    train_all,
    write_results,
)
from networks import NETS, build, twin_of
from strategies import put_under_checkpoints

from specframe import backend
from specframe.data import DATASETS, Augment
from specframe.models import summary
from specframe.training import PRESETS, Preset, Training

DEEP = PRESETS["deep"]
DEFAULTS = {
    "model": None, "data": "cifar10", "beta": 0.5, "scale": None, "activation": "tanh", "batch_norm": None,
    "grid": None, "width": 1.0, "lr": DEEP.lr, "momentum": DEEP.momentum, "weight_decay": DEEP.weight_decay,
    "schedule": "cycle", "epochs": DEEP.epochs, "batch_size": DEEP.batch_size, "store": "auto", "seed": 0,
    "train_size": None, "test_size": None, "augment": None, "twin": False, "paper": False, "slices": None,
    "device": "auto", "data_dir": None, "out": None,
}  # fmt: skip


def main(arguments=None):
    parser = make_parser()
    given = vars(parser.parse_args(arguments))
    if "model" not in given and not given.get("resume"):
        parser.error("which network? --model NAME is needed")
    return guarded(parser, run, given)


def make_parser():
    parser = Parser("train.py", __doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--model", choices=sorted(NETS), help="the network; those with spec are spectral")
    add("--data", choices=sorted(DATASETS), help="the data set (cifar10)")
    add_common(parser, "runs/MODEL_DATA", "0.1", "30; paper 300")
    add("--width", type=number(float, 0, strict=True), help="scales the channels of all but LeNet (1)")
    add("--scale", type=number(float, 0, strict=True), help="a in a f(x / a) of the spectral activation (the model's)")
    add("--activation", choices=["tanh", "softsign", "hardtanh", "arctan"], help="f of the spectral activation (tanh)")
    add("--batch-norm", choices=["pool", "spectral", "none"],
        help="of a spectral net: in space after pooling, inside the blocks, or none (the model's)")
    add("--grid", choices=["fast", "linear", "same", "paper", "circular"], help="of a spectral net (the model's)")
    add("--momentum", type=number(float, 0), help="of SGD (0.9)")
    add("--weight-decay", type=number(float, 0), help="of SGD (5e-4)")
    add("--schedule", choices=["cycle", "halve"],
        help="one cycle of the learning rate, or halved every 50 epochs (cycle)")
    add("--test-size", type=number(int, 1), metavar="N", help="use only the first N test images")
    add("--no-augment", dest="augment", action="store_false",
        help="no random crops and flips (they are used on CIFAR-10 only)")
    add("--slices", type=number(int, 1), metavar="N",
        help="keep only what each stage reads and run it again in the backward, on N parts of the batch one after "
        "another: the same training in less memory and more time (no)")  # fmt: skip
    add("--twin", action="store_true", help="train the spatial twin of a spectral net too")
    add("--paper", action="store_true",
        help="the paper's settings: lr 0.1 halved every 50 epochs, momentum 0.95, no weight decay, 300 epochs, "
        "and spectral nets as printed: plain tanh, no batch normalisation, no ReLU, the grids of Table 1")  # fmt: skip
    return parser


def settled(given, saved):
    """All options, from those given, those of the checkpoint (or None), and the defaults."""
    defaults = dict(DEFAULTS)
    if given.get("paper"):
        preset = PRESETS["paper"]
        defaults |= {
            "lr": preset.lr, "momentum": preset.momentum, "weight_decay": preset.weight_decay, "schedule": "halve",
            "epochs": preset.epochs, "batch_size": preset.batch_size,
        }  # fmt: skip
    option = merged(given, saved, defaults)
    if option["augment"] is None:
        option["augment"] = option["data"] == "cifar10"
    option["out"] = option["out"] or default_out(option)
    if option["twin"] and twin_of(option["model"]) is None:
        raise ValueError(f"--twin goes with a spectral net, {option['model']} is a spatial one")
    return option


def default_out(option):
    return os.path.join("runs", f"{option['model']}_{option['data']}")


def make_runs(option, sample, steps_per_epoch, device):
    """A Training for the net, and one for its twin; `sample` is a batch of images (batch, channels, rows, cols)."""
    preset = Preset(
        option["epochs"], option["batch_size"], option["lr"], option["momentum"], option["scale"],
        option["weight_decay"], PRESETS["paper"].halve_every if option["schedule"] == "halve" else None,
    )  # fmt: skip
    names = [option["model"], *([twin_of(option["model"])] if option["twin"] else [])]
    runs = {}
    for name in names:
        net = build(name, option, sample.shape[1], sample.shape[2]).to(device)
        if option["slices"] is not None:
            put_under_checkpoints(net, option["slices"], sample.shape[2])
        runs["spectral" if twin_of(name) else "spatial"] = Training(net, *preset.optimizer(net, steps_per_epoch))
    return runs


def run(given):
    if "out" not in given and "model" not in given:
        raise ValueError("--resume needs --out, or --model and --data, to find the checkpoint")
    out = given["out"] if "out" in given else default_out(DEFAULTS | given)
    checkpoint, saved = open_checkpoint(given, out)
    option = settled(given | {"out": out}, saved and saved["options"])
    device = backend.get(option["device"])
    train_set, test_set = (DATASETS[option["data"]](split, **where(option)) for split in ("train", "test"))
    if option["test_size"] is not None:
        test_set = test_set.subset(option["test_size"])
    train, test = loaders(option, train_set, test_set, device, Augment() if option["augment"] else None)
    runs = make_runs(option, train_set.images[:1], len(train), device)
    if saved is None:
        print(summary(next(iter(runs.values())).model, (option["batch_size"], *train_set.images.shape[1:])) + "\n")
    print(f"{option['model']}: {len(train.dataset)} training and {len(test_set)} test images of {option['data']}, "
          f"on {device.name}; results in {out}")  # fmt: skip
    if not train_all(runs, option, train, test, checkpoint, saved):
        print(f"stopped; go on with: python examples/train.py --resume --out {out}")
        return 130
    write_results(out, option["data"], device, runs, f"{option['model']} on {option['data']}")
    print(table(runs))
    return 0


def where(option):
    """How the data set is found; the bundled digits need no folder."""
    return {} if option["data"] == "digits" else {"data_dir": option["data_dir"]}


if __name__ == "__main__":
    sys.exit(main())
