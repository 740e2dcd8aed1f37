"""The batch and the weights that benchmarks/memory.py measures, as files that its processes load.

    FOLDER/batch.npz                    x (rows, cols, batch, channels), y
    FOLDER/twin, spec, spec+strict.npz  {"state", "settings"}, as training.save_checkpoint writes them

They are made once and used again.
"""

import os

import numpy as np
from strategies import build, parse

from specframe.data import CIFAR10, MNIST, DataError, DataLoader, Dataset
from specframe.optim import SGD
from specframe.training import load_checkpoint, save_checkpoint, train_step

SPECTRAL = ("beta", "scale", "grid", "activation", "batch_norm")  # options of a trained spectral net
LR = 0.02  # low enough for the paper's settings, which have no batch normalisation


def prepare(net, options, folder):
    """Write the files for the strategies of `options` on one net."""
    images = images_of(net, options)
    loader = DataLoader(images, options.batch_size, shuffle=True, drop_last=True, prefetch=0, device="cpu")
    batches = [batch for _, batch in zip(range(options.train_steps), loader, strict=False)]
    x, y = next(loader.epoch(1))
    np.savez(os.path.join(folder, "batch.npz"), x=x, y=y)
    for kind in sorted({kind_of(name) for name in options.strategies}):
        weights = from_checkpoint(net, kind, options)
        if weights is None:
            model = build(net, parse("auto" if kind == "twin" else kind), x.shape[3], x.shape[0], options.width)
            optimizer = SGD(model.parameters(), LR, 0.9)
            for batch in batches:
                train_step(model, optimizer, *batch)
            weights = {"state": model.state_dict(), "settings": {}}
        save_checkpoint(os.path.join(folder, f"{kind}.npz"), weights)


def kind_of(strategy):
    """The file that has the weights for a strategy: strategies that differ in storage have the same."""
    if strategy.startswith("torch"):
        return "twin"
    way = parse(strategy)
    return "spec+strict" if way.strict else "spec" if way.spec else "twin"


def from_checkpoint(net, kind, options):
    """The weights of this kind of net from one of the checkpoints, or None."""
    for path in options.checkpoint:
        saved = load_checkpoint(path)
        option = saved["options"]
        spectral = kind != "twin"
        if option["model"].removeprefix("spec") != net or (spectral and option["paper"] != (kind == "spec+strict")):
            continue
        trained = saved["nets"].get("spectral" if spectral else "spatial")
        if trained is None:
            continue
        if option["width"] != options.width:
            raise ValueError(f"{path} has width {option['width']}, --width is {options.width}")
        settings = {name: option[name] for name in SPECTRAL if spectral and option[name] is not None}
        if net == "lenet5":
            settings = {name: value for name, value in settings.items() if name not in ("activation", "batch_norm")}
        return {"state": trained["model"], "settings": settings}
    return None


def images_of(net, options):
    """Real training images, or random ones where the files are not at hand."""
    try:
        return (MNIST if net == "lenet5" else CIFAR10)("train", options.data_dir, download=False)
    except DataError:
        rng, shape = np.random.default_rng(0), (1, 28, 28) if net == "lenet5" else (3, 32, 32)
        count = 10 * options.batch_size
        return Dataset(rng.standard_normal((count, *shape), np.float32), rng.integers(0, 10, count), 10, "random")
