"""Train a network, spectral or spatial, on MNIST, CIFAR-10, SVHN, the bundled digits or a folder of pictures.

    python examples/train.py --model speclenet5 --data mnist --twin
    python examples/train.py --model specvgg16 --data cifar10 --width 0.25 --train-size 10000 --epochs 10 --twin
    python examples/train.py --resume --out runs/specvgg16_cifar10

The loop is Training.run in training/loop.py; examples/lenet_mnist.py has one on its page. Results go to --out, by
default runs/MODEL_DATA.
"""

import argparse
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from command_line import Parser, guarded, number, store
from networks import NETS, SPECTRAL, build, put_under_checkpoints, twin_of

from specframe import backend
from specframe.data import DATASETS, Augment, DataLoader, Dataset
from specframe.layers import SpectralBlock
from specframe.models import summary
from specframe.optim import SGD, ConstantLR, OneCycleLR, Schedule, StepLR
from specframe.storage import STORES
from specframe.training import PRESETS, CheckpointError, Training, load_checkpoint, plots, save_checkpoint
from specframe.training.fingerprint import fingerprint
from specframe.training.output import say
from specframe.training.report import table, write_report
from specframe.training.run_folder import run_folder

DEFAULTS = {
    "model": None, "data": None, "beta": None, "scale": None, "activation": None, "batch_norm": None, "grid": None,
    "width": 1.0, "lr": None, "momentum": None, "weight_decay": None, "schedule": None, "epochs": None,
    "batch_size": None, "store": "auto", "seed": 0, "train_size": None, "test_size": None, "augment": None,
    "twin": False, "paper": False, "slices": None,
}  # fmt: skip
HALVE_EVERY = 50  # epochs, as in the paper
PLACE = {"device": "auto", "out": None, "data_dir": None}  # what a checkpoint does not remember


def main(arguments: list[str] | None = None) -> int:
    parser = make_parser()
    given = vars(parser.parse_args(arguments))
    if "model" not in given and not given.get("resume"):
        parser.error("which network? --model NAME is needed")
    return guarded(parser, run, given)


def make_parser() -> Parser:
    parser = Parser(
        "train.py", __doc__.split("\n\n")[0],
        "Ctrl-C stops after the current batch and writes the checkpoint; --resume continues exactly.",
    )  # fmt: skip
    add = parser.add_argument
    add("--model", choices=sorted(NETS), help="the network; those with spec are spectral")
    add("--data", type=data_name, metavar="NAME",
        help=f"the data set: {', '.join(sorted(DATASETS))}, or folder:PATH (cifar10; of LeNet mnist)")  # fmt: skip
    add("--data-dir", metavar="DIR", help="folder with the data files; else $SPECFRAME_DATA, the cache, a download")
    add("--beta", type=number(float, 0), help="threshold on |Y|: larger keeps fewer frequencies (0.5)")
    add("--scale", type=number(float, 0, strict=True), help="a in a f(x / a) of the spectral activation (the model's)")
    add("--activation", choices=["tanh", "softsign", "hardtanh", "arctan"], help="f of the spectral activation (tanh)")
    add("--batch-norm", choices=["pool", "spectral", "none"],
        help="of a spectral net: in space after pooling, inside the blocks, or none (the model's)")  # fmt: skip
    add("--grid", choices=["fast", "linear", "same", "paper", "circular"], help="of a spectral net (the model's)")
    add("--width", type=number(float, 0, strict=True), help="scales the channels of all but LeNet (1)")
    add("--epochs", type=number(int, 1), help="passes over the training set (30; LeNet 5, on digits 40; paper 300)")
    add("--batch-size", type=number(int, 1), help="images a step (64)")
    add("--lr", type=number(float, 0, strict=True), help="highest learning rate of the schedule (0.1)")
    add("--momentum", type=number(float, 0), help="of SGD (0.9)")
    add("--weight-decay", type=number(float, 0), help="of SGD (5e-4)")
    add("--schedule", choices=["cycle", "halve", "constant"],
        help="one cycle of the learning rate, halved every 50 epochs, or the same throughout (cycle)")  # fmt: skip
    add("--device", choices=["auto", "cpu", "cuda"], help="auto takes a GPU where CuPy finds one (auto)")
    add("--store", type=store, metavar="STORE",
        help=f"how saved activations are kept: {', '.join(STORES)}; with settings: topk:0.1:int8, spectral:0.25:int8 "
        "(auto: lossless, the smallest of dense, csr and mask)")  # fmt: skip
    add("--slices", type=number(int, 1), metavar="N",
        help="keep only what each stage reads and run it again in the backward, on N parts of the batch one after "
        "another: the same training in less memory and more time (no)")  # fmt: skip
    add("--seed", type=number(int, 0), help="of the initial weights and of the order of the images (0)")
    add("--train-size", type=number(int, 1), metavar="N", help="use only the first N training images")
    add("--test-size", type=number(int, 1), metavar="N", help="use only the first N test images")
    add("--no-augment", dest="augment", action="store_false",
        help="no random crops and flips (they are used on CIFAR-10 only)")  # fmt: skip
    add("--twin", action="store_true", help="train the spatial twin of a spectral net too")
    add("--paper", action="store_true",
        help="the paper's settings: lr 0.1 halved every 50 epochs, momentum 0.95, no weight decay, 300 epochs, "
        "and spectral nets as printed: plain tanh, no batch normalisation, no ReLU, the grids of Table 1")  # fmt: skip
    add("--out", metavar="DIR", help="folder for metrics.json, history.csv, checkpoint.npz, pictures (runs/MODEL_DATA)")
    how = parser.add_mutually_exclusive_group()
    add = how.add_argument
    add("--resume", action="store_true",
        help="continue from the checkpoint in --out, with its options; for more --epochs where its schedule has no end"
    )  # fmt: skip
    add("--overwrite", action="store_true", help="replace what an earlier run left in --out")
    return parser


def data_name(text: str) -> str:
    """An argparse type: the name of a data set, or a folder of pictures."""
    if text not in DATASETS and not text.startswith("folder:"):
        raise argparse.ArgumentTypeError(f"expected {', '.join(sorted(DATASETS))} or folder:PATH, got {text}")
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
    unused = [name for name in (*SPECTRAL, "twin") if name in given and twin_of(model) is None]
    if unused:
        raise ValueError(f"--{unused[0].replace('_', '-')} goes with a spectral net, {model} is a spatial one")
    if lenet and option["width"] != 1:
        raise ValueError(f"--width scales AlexNet, VGG16 and DenseNet, {model} has one width")
    data = option["data"] or ("mnist" if lenet else "cifar10")
    preset = PRESETS["paper" if option["paper"] else "lenet" if lenet else "deep"]
    few = lenet and data == "digits" and not option["paper"]  # 42 times fewer images than MNIST
    usual = {
        "data": data, "beta": 0.5, "augment": data == "cifar10", "epochs": 40 if few else preset.epochs,
        "batch_size": preset.batch_size, "lr": preset.lr, "momentum": preset.momentum,
        "weight_decay": preset.weight_decay, "schedule": "halve" if option["paper"] else "cycle",
    }  # fmt: skip
    return option | {name: value for name, value in usual.items() if option[name] is None}


def default_out(given: dict[str, Any]) -> str:
    """runs/MODEL_DATA."""
    if "model" not in given:
        raise ValueError("--resume needs --out, or --model and --data, to find the checkpoint")
    option = settled(given, None)
    return f"runs/{option['model']}_{re.sub('[^A-Za-z0-9.-]+', '_', option['data'])}"


def load_run(path: Path) -> dict[str, Any]:
    """The content of a checkpoint that this program wrote."""
    saved = load_checkpoint(path)
    if saved.keys() != {"options", "data", "nets"} or saved["options"].keys() != DEFAULTS.keys():
        raise CheckpointError(f"{path}: not a checkpoint of examples/train.py")
    return saved


def load_data(option: dict[str, Any]) -> tuple[Dataset, Dataset]:
    """(training set, test set)."""
    where = {} if option["data"] == "digits" else {"data_dir": option["data_dir"]}  # the bundled digits need no folder
    train_set, test_set = (DATASETS[option["data"]](split, **where) for split in ("train", "test"))
    return (
        train_set.subset(option["train_size"] or len(train_set)),
        test_set.subset(option["test_size"] or len(test_set)),
    )


def make_runs(option: dict[str, Any], data: Dataset, steps: int, device: backend.Backend) -> dict[str, Training]:
    """A Training for the net, and one for its twin; `steps` is that of an epoch."""
    names = [option["model"], *([twin_of(option["model"])] if option["twin"] else [])]
    runs = {}
    for name in names:
        _, channels, image_size, _ = data.images.shape
        net = build(name, option, channels, image_size, data.num_classes).to(device)
        if option["slices"] is not None:
            put_under_checkpoints(net, option["slices"], image_size)
        sgd = SGD(net.parameters(), option["lr"], option["momentum"], option["weight_decay"])
        runs["spectral" if twin_of(name) else "spatial"] = Training(net, sgd, make_schedule(option, sgd, steps))
    return runs


def make_schedule(option: dict[str, Any], sgd: SGD, steps: int) -> Schedule:
    """The learning rate of each step, for epochs of so many steps."""
    if option["schedule"] == "cycle":
        return OneCycleLR(sgd, option["epochs"] * steps)
    return StepLR(sgd, HALVE_EVERY * steps) if option["schedule"] == "halve" else ConstantLR(sgd)


def restore(runs: dict[str, Training], saved: dict[str, Any], epochs: int) -> None:
    """Bring the nets to where the checkpoint has them; they may go on for another number of epochs than planned."""
    planned = saved["options"]["epochs"]
    for name, training in runs.items():
        if epochs != planned and getattr(training.schedule, "total", None) is not None:
            raise ValueError(
                f"--epochs {epochs}: the learning rate of this run follows one cycle over {planned} epochs, which has "
                "one end; only runs with --schedule halve or constant can go on for longer"
            )
        try:
            training.load_state_dict(saved["nets"][name])
        except (KeyError, ValueError, TypeError) as error:
            raise CheckpointError(f"the checkpoint does not hold this {name} net ({error})") from None
        if training.epoch > epochs:
            raise ValueError(f"--epochs {epochs}: the {name} net has been trained for {training.epoch} epochs already")


def run(given: dict[str, Any]) -> int:
    out = Path(given.get("out") or default_out(given)).expanduser()
    checkpoint = out / "checkpoint.npz"
    saved = load_run(checkpoint) if given.get("resume") else None
    option = settled(given, saved and saved["options"])
    device = backend.get(option["device"])
    train_set, test_set = load_data(option)
    data = {"train": fingerprint(train_set), "test": fingerprint(test_set)}
    if saved is not None and saved["data"] != data:
        raise CheckpointError(f"{checkpoint}: the run was begun with other images than these of {option['data']}")
    train = DataLoader(
        train_set, option["batch_size"], shuffle=True, seed=option["seed"], device=device,
        transform=Augment() if option["augment"] else None,
    )  # fmt: skip
    test = DataLoader(test_set, 500, device=device)
    runs = make_runs(option, train_set, len(train), device)
    if saved is not None:
        restore(runs, saved, option["epochs"])
    kept, net = {name: option[name] for name in DEFAULTS}, next(iter(runs.values())).model

    def save(_: Training) -> None:
        nets = {name: training.state_dict() for name, training in runs.items()}
        save_checkpoint(checkpoint, {"options": kept, "data": data, "nets": nets})

    with run_folder(out, resume=saved is not None, overwrite=given.get("overwrite", False)):
        if saved is None:
            say(summary(net, (option["batch_size"], *train_set.images.shape[1:])) + "\n")
        say(f"{option['model']}: {len(train_set)} training and {len(test_set)} test images of {option['data']}, "
            f"on {device.name}; results in {out}")  # fmt: skip
        for name, training in runs.items():
            if not training.run(train, test, option["epochs"], store=option["store"], name=name, on_epoch=save):
                say(f"stopped; go on with: python examples/train.py --resume --out {shlex.quote(str(out))}")
                return 130
        histories = {name: training.history for name, training in runs.items()}
        title = f"{option['model']} on {option['data']}"
        write_report(out, histories, data=option["data"], device=device.name, title=title)
        block = next((part for _, part in net.modules() if isinstance(part, SpectralBlock)), None)
        if block is not None and plots.available():
            plots.spectra(out / "spectra.png", block, test_set.images[0])
        say("\n" + table(histories))
    return 0


if __name__ == "__main__":
    sys.exit(main())
