"""Train the paper's spectral LeNet-5 on MNIST, beside its spatial twin, and say what each one costs.

    python examples/lenet_mnist.py                        both nets, 5 epochs, a few minutes on a laptop
    python examples/lenet_mnist.py --train-size 6000      a quick look
    python examples/lenet_mnist.py --resume               go on where Ctrl-C (or the power cut) stopped

The loop itself is Training.run in training/loop.py: forward under a Tape, backward, update. Results go to --out.
"""

import argparse
import json
import math
import os
import sys

from specframe import backend
from specframe.data import MNIST, DataError, DataLoader, Digits
from specframe.models import LeNet5, SpecLeNet5
from specframe.training import (
    PRESETS,
    CheckpointError,
    Training,
    TrainingError,
    load_checkpoint,
    plots,
    save_checkpoint,
    write_atomically,
    write_csv,
)  # fmt: skip

DIGITS_EPOCHS = 40  # the bundled set is 42 times smaller than MNIST
PLACE = {"device", "out", "data_dir", "resume"}  # options that a resumed run may change


def main(arguments=None):
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        return run(options)
    except (DataError, CheckpointError, backend.DeviceError, TrainingError, ValueError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2


# ---- options ----------------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """A mistake is one sentence and exit status 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (--help lists the options)\n")


def number(kind, low, strict=False):
    """An argparse type: a finite number from `low` on (above it, if strict)."""

    def parse(text):
        value = kind(text)
        if not math.isfinite(value) or value < low or (strict and value == low):
            raise argparse.ArgumentTypeError(f"expected a number {'above' if strict else 'from'} {low}, got {text}")
        return value

    parse.__name__ = kind.__name__
    return parse


def make_parser():
    # Without a default an option is absent until it is given: so --resume can tell what was asked for.
    parser = Parser(
        prog="lenet_mnist.py",
        description=__doc__.split("\n\n")[0],
        epilog="Ctrl-C stops after the current batch and writes the checkpoint; --resume continues exactly.",
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--data", choices=["mnist", "digits"],
        help="data set; by default MNIST, or the bundled 8 x 8 digits where MNIST cannot be had")
    add("--data-dir", metavar="DIR", help="folder with the MNIST files; else $SPECFRAME_DATA, the cache, a download")
    add("--beta", type=number(float, 0), help="threshold on |Y|: larger keeps fewer frequencies (0.5)")
    add("--tanh-scale", type=number(float, 0, strict=True),
        help=f"a in a tanh(x / a) of the spectral activation ({PRESETS['lenet'].tanh_scale:g}; the paper's is 1)")
    add("--epochs", type=number(int, 1), help=f"passes over the training set (5; digits {DIGITS_EPOCHS})")
    add("--batch-size", type=number(int, 1), help="images a step (64)")
    add("--lr", type=number(float, 0, strict=True),
        help=f"highest learning rate of the schedule ({PRESETS['lenet'].lr:g})")
    add("--device", choices=["auto", "cpu", "cuda"], help="auto takes a GPU where CuPy finds one (auto)")
    add("--store", choices=["auto", "dense", "csr", "mask"], help="format of saved activations (auto: the smallest)")
    add("--seed", type=number(int, 0), help="of the initial weights and of the order of the images (0)")
    add("--train-size", type=number(int, 1), metavar="N", help="use only the first N training images")
    add("--no-twin", action="store_true", help="train the spectral net only")
    add("--paper", action="store_true",
        help="the paper's settings: lr 0.1 halved every 50 epochs, momentum 0.95, plain tanh, 300 epochs")
    add("--resume", action="store_true", help="continue from the checkpoint in --out, with its options")
    add("--out", metavar="DIR", help="folder for metrics.json, history.csv, checkpoint.npz and pictures "
        "(runs/lenet_mnist)")  # fmt: skip
    return parser


def settled(given, saved):
    """All options: those given, then those of the checkpoint (or None), then the defaults.

    Raises CheckpointError when a given option contradicts the checkpoint.
    """
    place = {"device": "auto", "out": "runs/lenet_mnist", "data_dir": None}
    if saved is not None:
        for name, value in given.items():
            if name not in PLACE and saved[name] != value:
                flag = "--" + name.replace("_", "-")
                raise CheckpointError(f"{flag} {value} contradicts the checkpoint, which was made with {saved[name]}")
        return place | saved | given
    preset = PRESETS["paper" if given.get("paper") else "lenet"]
    defaults = {
        "data": None, "beta": 0.5, "tanh_scale": preset.tanh_scale, "epochs": None, "batch_size": preset.batch_size,
        "lr": preset.lr, "store": "auto", "seed": 0, "train_size": None, "no_twin": False, "paper": False,
    }  # fmt: skip
    return place | defaults | given


# ---- data -------------------------------------------------------------------------------------------------------


def load_data(option):
    """(name, training set, test set). Only when nothing was asked for do the bundled digits stand in for MNIST."""
    asked = option["data"] == "mnist" or option["data_dir"] is not None
    if option["data"] != "digits":
        try:
            return "mnist", MNIST("train", option["data_dir"]), MNIST("test", option["data_dir"])
        except DataError as error:
            if asked:
                raise
            print(
                f"*** MNIST CANNOT BE HAD: {error}\n"
                "*** TRAINING ON THE 1797 BUNDLED 8 x 8 DIGITS INSTEAD. These are not MNIST figures.\n"
                "*** To train on MNIST, put its four files into a folder and pass --data-dir FOLDER.",
                file=sys.stderr,
            )
    return "digits", Digits("train"), Digits("test")


# ---- the run ----------------------------------------------------------------------------------------------------


def run(options):
    given = vars(options)
    out = given.get("out", "runs/lenet_mnist")
    if os.path.exists(out) and not os.path.isdir(out):
        raise ValueError(f"--out {out} is a file, expected a folder")
    checkpoint = os.path.join(out, "checkpoint.npz")
    saved = load_checkpoint(checkpoint) if given.get("resume") else None
    option = settled(given, saved and saved["options"])
    device = backend.get(option["device"])

    data, train_set, test_set = load_data(option)
    if saved is None:
        option["data"] = data
        if option["epochs"] is None:
            option["epochs"] = PRESETS["paper"].epochs if option["paper"] else 5 if data == "mnist" else DIGITS_EPOCHS
    if option["train_size"] is not None:
        train_set = train_set.subset(option["train_size"])
    train = DataLoader(train_set, option["batch_size"], shuffle=True, seed=option["seed"], device=device)
    test = DataLoader(test_set, 500, device=device)
    print(f"{len(train_set)} training and {len(test_set)} test images of {data}, on {device.name}; results in {out}")

    runs = make_runs(option, len(train), device)
    if saved is not None:
        for name, training in runs.items():
            try:
                training.load_state_dict(saved["nets"][name])
            except (KeyError, ValueError, TypeError) as error:
                raise CheckpointError(f"{checkpoint}: does not hold this {name} net ({error})") from None

    def save(_):
        kept = {name: value for name, value in option.items() if name not in PLACE}
        nets = {name: training.state_dict() for name, training in runs.items()}
        save_checkpoint(checkpoint, {"options": kept, "nets": nets})

    for name, training in runs.items():
        if not training.run(train, test, option["epochs"], store=option["store"], name=name, on_epoch=save):
            print(f"stopped; go on with: python examples/lenet_mnist.py --resume --out {out}")
            return 130
    write_results(out, data, device, runs, test_set)
    print(table(runs))
    return 0


def make_runs(option, steps_per_epoch, device):
    """A Training for each net; the twins start from the same weights."""
    preset = PRESETS["paper" if option["paper"] else "lenet"]
    nets = {"spectral": SpecLeNet5(beta=option["beta"], scale=option["tanh_scale"], seed=option["seed"])}
    if not option["no_twin"]:
        nets["spatial"] = LeNet5(seed=option["seed"])
    runs = {}
    for name, net in nets.items():
        chosen = preset.optimizer(net.to(device), steps_per_epoch, epochs=option["epochs"], lr=option["lr"])
        runs[name] = Training(net, *chosen)
    return runs


# ---- results ----------------------------------------------------------------------------------------------------


def write_results(out, data, device, runs, test_set):
    """metrics.json, history.csv and, with matplotlib, curves.png and spectra.png."""
    metrics = {"data": data, "device": device.name, "spectral": None, "spatial": None}
    metrics |= {name: summary(training.history) for name, training in runs.items()}
    text = json.dumps(metrics, indent=2) + "\n"
    write_atomically(os.path.join(out, "metrics.json"), lambda file: file.write(text.encode()))
    histories = {name: training.history for name, training in runs.items()}
    write_csv(os.path.join(out, "history.csv"), histories)
    if not plots.available():
        print("no pictures: matplotlib is not installed (pip install 'specframe[plot]')")
        return
    plots.curves(os.path.join(out, "curves.png"), histories, f"LeNet-5 on {test_set.name.split()[0]}")
    plots.spectra(os.path.join(out, "spectra.png"), runs["spectral"].model.conv1, test_set.images[0])


def summary(history):
    """The figures of one net: the last epoch's, and the mean time."""
    last = history[-1]
    return {
        "test_accuracy": last.test_accuracy,
        "saved_bytes": last.saved_bytes,
        "peak_bytes": last.peak_bytes,
        "seconds_per_epoch": sum(epoch.seconds for epoch in history.epochs) / len(history),
        "density": last.density,
        "history": history.as_dicts(),
    }


def table(runs):
    """Spectral beside spatial."""
    figures = {name: summary(training.history) for name, training in runs.items()}
    lines = [
        ("test accuracy", lambda f: f"{100 * f['test_accuracy']:.2f} %"),
        ("saved for backward, a step", lambda f: f"{f['saved_bytes'] / 1e6:.3f} MB"),
        ("measured peak of a step", lambda f: f"{f['peak_bytes'] / 1e6:.3f} MB"),
        ("seconds an epoch", lambda f: f"{f['seconds_per_epoch']:.1f}"),
        ("density of the spectra", lambda f: ", ".join(f"{d:.3f}" for d in f["density"]) or "-"),
    ]
    rows = [("", *figures), *((label, *(show(f) for f in figures.values())) for label, show in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n" + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
