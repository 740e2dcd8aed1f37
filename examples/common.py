"""What the examples share: options, resuming, the run over one or two nets, and how results are written.

A run is a dict {name: Training}; the first net is the one in question, a second one its twin. Everything a run needs to
go on is in one checkpoint.
"""

import argparse
import json
import math
import os
import sys

from specframe.backend import DeviceError
from specframe.data import DataError, DataLoader
from specframe.saving import STORES, get_store
from specframe.training import (
    CheckpointError,
    TrainingError,
    load_checkpoint,
    plots,
    save_checkpoint,
    write_atomically,
    write_csv,
)

PLACE = {"device", "out", "data_dir", "resume"}  # options that a resumed run may change


class Parser(argparse.ArgumentParser):
    """A mistake is one sentence and exit status 2. Options are absent until given: so resuming can tell."""

    def __init__(self, prog, description):
        super().__init__(
            prog=prog, description=description, argument_default=argparse.SUPPRESS,
            epilog="Ctrl-C stops after the current batch and writes the checkpoint; --resume continues exactly.",
        )  # fmt: skip

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (--help lists the options)\n")


def guarded(parser, run, options):
    """The exit status of `run(options)`; a user's mistake becomes one sentence and 2."""
    try:
        return run(options)
    except (DataError, CheckpointError, DeviceError, TrainingError, ValueError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2


def number(kind, low, strict=False):
    """An argparse type: a finite number from `low` on (above it, if strict)."""

    def parse(text):
        value = kind(text)
        if not math.isfinite(value) or value < low or (strict and value == low):
            raise argparse.ArgumentTypeError(f"expected a number {'above' if strict else 'from'} {low}, got {text}")
        return value

    parse.__name__ = kind.__name__
    return parse


def store(name):
    """An argparse type: the name of a store, with settings that it has."""
    try:
        get_store(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def add_common(parser, out, lr, epochs):
    """The options that every training example has; the texts name the defaults."""
    add = parser.add_argument
    add("--data-dir", metavar="DIR", help="folder with the data files; else $SPECFRAME_DATA, the cache, a download")
    add("--beta", type=number(float, 0), help="threshold on |Y|: larger keeps fewer frequencies (0.5)")
    add("--epochs", type=number(int, 1), help=f"passes over the training set ({epochs})")
    add("--batch-size", type=number(int, 1), help="images a step (64)")
    add("--lr", type=number(float, 0, strict=True), help=f"highest learning rate of the schedule ({lr})")
    add("--device", choices=["auto", "cpu", "cuda"], help="auto takes a GPU where CuPy finds one (auto)")
    add("--store", type=store, metavar="STORE",
        help=f"how saved activations are kept: {', '.join(STORES)}; with settings: topk:0.1:int8, spectral:0.25:int8 "
        "(auto: lossless, the smallest of dense, csr and mask)")  # fmt: skip
    add("--seed", type=number(int, 0), help="of the initial weights and of the order of the images (0)")
    add("--train-size", type=number(int, 1), metavar="N", help="use only the first N training images")
    add("--resume", action="store_true", help="continue from the checkpoint in --out, with its options")
    add("--out", metavar="DIR", help=f"folder for metrics.json, history.csv, checkpoint.npz and pictures ({out})")


def merged(given, saved, defaults):
    """All options: those given, then those of the checkpoint (or None), then the defaults.

    Raises CheckpointError when a given option contradicts the checkpoint.
    """
    if saved is None:
        return defaults | given
    for name, value in given.items():
        if name not in PLACE and saved.get(name) != value:
            flag = "--" + name.replace("_", "-")
            raise CheckpointError(f"{flag} {value} contradicts the checkpoint, which was made with {saved.get(name)}")
    return defaults | saved | given


def open_checkpoint(given, out):
    """(path of the checkpoint, its content when resuming or None)."""
    out = given.get("out", out)
    if os.path.exists(out) and not os.path.isdir(out):
        raise ValueError(f"--out {out} is a file, expected a folder")
    path = os.path.join(out, "checkpoint.npz")
    return path, load_checkpoint(path) if given.get("resume") else None


def loaders(option, train_set, test_set, device, transform=None):
    """(training, test) DataLoader; --train-size is applied here."""
    if option["train_size"] is not None:
        train_set = train_set.subset(option["train_size"])
    train = DataLoader(
        train_set, option["batch_size"], shuffle=True, seed=option["seed"], device=device, transform=transform
    )
    return train, DataLoader(test_set, 500, device=device)


def train_all(runs, option, train, test, checkpoint, saved):
    """Train each net in turn, from the checkpoint's state where there is one; False when Ctrl-C stopped it."""
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

    return all(
        training.run(train, test, option["epochs"], store=option["store"], name=name, on_epoch=save)
        for name, training in runs.items()
    )


# ---- results ----------------------------------------------------------------------------------------------------


def write_results(out, data, device, runs, title):
    """metrics.json, history.csv and, with matplotlib, curves.png; returns whether pictures can be made."""
    metrics = {"data": data, "device": device.name, "spectral": None, "spatial": None}
    metrics |= {name: summary(training.history) for name, training in runs.items()}
    text = json.dumps(metrics, indent=2) + "\n"
    write_atomically(os.path.join(out, "metrics.json"), lambda file: file.write(text.encode()))
    histories = {name: training.history for name, training in runs.items()}
    write_csv(os.path.join(out, "history.csv"), histories)
    if not plots.available():
        print("no pictures: matplotlib is not installed (pip install 'specframe[plot]')")
        return False
    plots.curves(os.path.join(out, "curves.png"), histories, title)
    return True


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
