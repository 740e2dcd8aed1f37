"""Deep nets on a part of CIFAR-10: accuracy against saved bytes, spectral nets beside their twins. One run a row.

    python benchmarks/deep_study.py vgg          the rows of SpecVGG16 and its twins
    python benchmarks/deep_study.py "spec s3"    the rows that begin so
    python benchmarks/deep_study.py lossy --seeds 0 1 2

Protocol: width 0.25 unless the row has another, the first 10 000 training images, the standard augmentation, 10 epochs,
batch 64, SGD with momentum 0.9, weight decay 5e-4 unless the row has another, one cycle of the learning rate. Accuracy
is on the 10 000 test images after the last epoch; bytes are those of a full batch then, and the ratio is to PyTorch's
plain net of width 0.25 (of ResNet: of the row's width) with batch normalisation, its saved tensors counted by
benchmarks/torch_nets.py (extra `oracle`). The first table has a line a run, the second, with several seeds, means.
"""

import argparse
import json
import os
import sys
import time

import numpy as np
import program

from specframe.data import CIFAR10, Augment, DataLoader
from specframe.models import VGG16, AlexNet, DenseNet, ResNet, SpecAlexNet, SpecDenseNet, SpecResNet, SpecVGG16
from specframe.optim import SGD, OneCycleLR
from specframe.training import BetaWarmup, Training, evaluate, say, write_atomically

WIDTH = 0.25
STRICT = {"paper_strict": True, "lr": 0.02}
BEST = {"beta": 0.2, "store": "mask4", "lr": 0.05}  # "spec, beta 0.2, mask4, peak lr 0.05", which the ideas start from
ROWS = {
    "vgg": {
        "twin: ReLU, BN": (VGG16, {}),
        "twin: tanh, BN": (VGG16, {"activation": "tanh"}),
        "twin: ReLU, no BN": (VGG16, {"batch_norm": False, "lr": 0.02}),
        "spec": (SpecVGG16, {}),
        "spec, beta 0.2": (SpecVGG16, {"beta": 0.2}),
        "spec, beta 1": (SpecVGG16, {"beta": 1.0}),
        "spec, beta 1.5": (SpecVGG16, {"beta": 1.5}),
        "spec, no ReLU": (SpecVGG16, {"rectify": False}),
        "spec, no ReLU, BN after pooling": (SpecVGG16, {"rectify": False, "batch_norm": "pool"}),
        "spec, no ReLU, BN after pooling, beta 1": (SpecVGG16, {"rectify": False, "batch_norm": "pool", "beta": 1.0}),
        "spec s3": (SpecVGG16, {"spectral_stages": 3}),
        "spec s3, no ReLU": (SpecVGG16, {"spectral_stages": 3, "rectify": False}),
        "spec s3, no ReLU, BN after pooling": (
            SpecVGG16, {"spectral_stages": 3, "rectify": False, "batch_norm": "pool"}),
        "spec s3, no ReLU, BN after pooling, beta 1": (
            SpecVGG16, {"spectral_stages": 3, "rectify": False, "batch_norm": "pool", "beta": 1.0}),
        "spec, grid same": (SpecVGG16, {"grid": "same"}),
        "spec, plain tanh": (SpecVGG16, {"scale": 1.0}),
        "spec, scale 4": (SpecVGG16, {"scale": 4.0}),
        "spec, scale 16": (SpecVGG16, {"scale": 16.0}),
        "spec, peak lr 0.05": (SpecVGG16, {"lr": 0.05}),
        "spec, peak lr 0.2": (SpecVGG16, {"lr": 0.2}),
        "spec as printed": (SpecVGG16, STRICT),
    },
    "densenet": {
        "dense twin: ReLU, BN": (DenseNet, {}),
        "specdense": (SpecDenseNet, {}),
        "specdense, beta 0.2": (SpecDenseNet, {"beta": 0.2}),
        "specdense, circular": (SpecDenseNet, {"grid": "circular"}),
        "specdense, circular, scale 16": (SpecDenseNet, {"grid": "circular", "scale": 16.0}),
        "specdense, circular, beta 0.2": (SpecDenseNet, {"grid": "circular", "beta": 0.2}),
        "specdense, beta 1": (SpecDenseNet, {"beta": 1.0}),
        "specdense, scale 4": (SpecDenseNet, {"scale": 4.0}),
        "specdense, peak lr 0.05": (SpecDenseNet, {"lr": 0.05}),
        "specdense, peak lr 0.2": (SpecDenseNet, {"lr": 0.2}),
        "specdense, one return": (SpecDenseNet, {"return_every": 6}),
        "specdense, three returns": (SpecDenseNet, {"return_every": 2}),
        "specdense, one return, no ReLU": (SpecDenseNet, {"return_every": 6, "rectify": False}),
        "specdense as printed": (SpecDenseNet, STRICT),
    },
    "alexnet": {
        "alex twin: ReLU, BN": (AlexNet, {"batch_norm": True}),
        "specalex": (SpecAlexNet, {}),
        "specalex, grid same": (SpecAlexNet, {"grid": "same"}),
        "specalex, scale 16": (SpecAlexNet, {"scale": 16.0}),
        "specalex, BN after pooling": (SpecAlexNet, {"batch_norm": "pool"}),
        "specalex s2": (SpecAlexNet, {"spectral_stages": 2}),
        "specalex s2, BN after pooling": (SpecAlexNet, {"spectral_stages": 2, "batch_norm": "pool"}),
        "specalex s5": (SpecAlexNet, {"spectral_stages": 5}),
        "specalex s5, BN after pooling": (SpecAlexNet, {"spectral_stages": 5, "batch_norm": "pool"}),
        "specalex s5, BN after pooling, no ReLU": (
            SpecAlexNet, {"spectral_stages": 5, "batch_norm": "pool", "rectify": False}),
        "specalex s5, BN after pooling, beta 0.2": (
            SpecAlexNet, {"spectral_stages": 5, "batch_norm": "pool", "beta": 0.2}),
        "specalex as printed": (SpecAlexNet, STRICT),
    },
    "lossy": {
        f"saved by {store}": (VGG16, {"store": store})
        for store in ("dense", "quant8", "quant4", "quant2", "topk:0.25:int8", "topk:0.1:int8", "dct:0.5:int8",
                      "dct:0.25:int8", "dct:0.1:int8", "dct:0.25:int4", "dct:0.25:int8:16", "dct:0.1:int8:16",
                      "dct:0.25:int8:8")
    },
    "spectra": {f"spectra by {store}": (SpecVGG16, {"store": store}) for store in ("mask", "mask16", "mask8", "mask4")},
    "pair": {  # spectra in a few bits beside the twin, both at several rates; and wider ones in the room left
        "twin, peak lr 0.05": (VGG16, {"lr": 0.05}),
        "twin, peak lr 0.025": (VGG16, {"lr": 0.025}),
        "spec, beta 0.2, mask4": (SpecVGG16, {"beta": 0.2, "store": "mask4"}),
        "spec, beta 0.2, mask4, peak lr 0.05": (SpecVGG16, {"beta": 0.2, "store": "mask4", "lr": 0.05}),
        "spec, beta 0.2, mask4, peak lr 0.025": (SpecVGG16, {"beta": 0.2, "store": "mask4", "lr": 0.025}),
        "spec, beta 0.2, mask8": (SpecVGG16, {"beta": 0.2, "store": "mask8"}),
        "spec, beta 0.2, mask8, peak lr 0.05": (SpecVGG16, {"beta": 0.2, "store": "mask8", "lr": 0.05}),
        "spec, beta 0.1, mask4, peak lr 0.05": (SpecVGG16, {"beta": 0.1, "store": "mask4", "lr": 0.05}),
        "spec, beta 0.5, mask4, peak lr 0.05": (SpecVGG16, {"beta": 0.5, "store": "mask4", "lr": 0.05}),
        "spec, width 0.375, beta 0.2, mask4, peak lr 0.05": (
            SpecVGG16, {"width": 0.375, "beta": 0.2, "store": "mask4", "lr": 0.05}),
        "spec, width 0.375, beta 0.5, mask4, peak lr 0.05": (
            SpecVGG16, {"width": 0.375, "beta": 0.5, "store": "mask4", "lr": 0.05}),
    },
    "ideas": {  # one change at a time
        "idea: beta 0.3, then 0.1": (SpecVGG16, BEST | {"beta": [0.3, 0.1]}),
        "idea: beta 0.1, then 0.3": (SpecVGG16, BEST | {"beta": [0.1, 0.3]}),
        "idea: beta 0.05": (SpecVGG16, BEST | {"beta": 0.05}),
        "idea: beta from 0 over 5 epochs": (SpecVGG16, BEST | {"beta_warmup": 5}),
        "idea: beta from 0 over 5 epochs, peak lr 0.025": (SpecVGG16, BEST | {"beta_warmup": 5, "lr": 0.025}),
        "idea: beta 0.5, from 0 over 5 epochs": (SpecVGG16, BEST | {"beta": 0.5, "beta_warmup": 5}),
        "idea: three spectral stages": (SpecVGG16, BEST | {"spectral_stages": 3}),
        "idea: BN after pooling": (SpecVGG16, BEST | {"batch_norm": "pool"}),
        "idea: scale 16": (SpecVGG16, BEST | {"scale": 16.0}),
        "idea: grid same": (SpecVGG16, BEST | {"grid": "same"}),
        "idea: weight decay 1e-3": (SpecVGG16, BEST | {"weight_decay": 1e-3}),
        "idea: weight decay 2e-4": (SpecVGG16, BEST | {"weight_decay": 2e-4}),
        "idea: peak lr 0.0125": (SpecVGG16, BEST | {"lr": 0.0125}),
        "idea: beta 0.5, peak lr 0.025": (SpecVGG16, BEST | {"beta": 0.5, "lr": 0.025}),
    },
    "resnet": {
        "resnet twin, width 0.5, peak lr 0.05": (ResNet, {"width": 0.5, "lr": 0.05}),
        "specresnet, width 0.5, beta 0.2, mask4, peak lr 0.05": (SpecResNet, BEST | {"width": 0.5}),
    },
    "dense pair": {
        "dense twin, peak lr 0.05": (DenseNet, {"lr": 0.05}),
        "specdense, beta 0.2, mask4, peak lr 0.05": (SpecDenseNet, BEST),
    },
    "dense spectra": {
        f"dense spectra by {store}": (SpecDenseNet, {"store": store}) for store in ("mask", "mask8", "mask4")},
}  # fmt: skip
ALL = {name: row for group in ROWS.values() for name, row in group.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW",
        help=f"{', '.join(ROWS)}, a row's name, or the beginning of several")  # fmt: skip
    parser.add_argument("--data-dir", help="folder with CIFAR-10")
    parser.add_argument("--train-size", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the initial weights and the order (0)")
    parser.add_argument(
        "--out", default="runs/benchmarks/deep_study.json", help="JSON file; runs already in it are not run again"
    )
    parser.add_argument("--chart", metavar="PNG", help="draw accuracy against bytes of all runs in --out, and stop")
    options = parser.parse_args()
    if options.chart:
        program.need("matplotlib")
        with open(options.out) as file:
            return chart(json.load(file), options.chart)
    chosen = [name for name in ALL if not options.rows or any(
        name == row if row in ALL else name in ROWS[row] if row in ROWS else name.startswith(row)
        for row in options.rows)]  # fmt: skip
    program.need("torch")
    data = CIFAR10("train", options.data_dir).subset(options.train_size), CIFAR10("test", options.data_dir)
    results = {}
    if os.path.exists(options.out):
        with open(options.out) as file:
            results = json.load(file)
    print("| settings | seed | test accuracy, % | saved, MB | / PyTorch BN twin | densities | s an epoch |")
    print("|---|---|---|---|---|---|---|", flush=True)
    wanted = [f"{name}, seed {seed}" for name in chosen for seed in options.seeds]
    left = sum(key not in results for key in wanted)
    program.takes(left * options.epochs * options.train_size / 20_000)
    progress = program.bar(left, "run")
    for name in chosen:
        for seed in options.seeds:
            key = f"{name}, seed {seed}"
            if key in results:
                continue
            result = results[key] = train(*data, *ALL[name], options.epochs, seed)
            density = ", ".join(f"{d:.2f}" for d in result["density"]) or "-"
            say(f"| {name} | {seed} | {100 * result['accuracy']:.2f} | {result['bytes'] / 1e6:.2f} "
                f"| {result['ratio']:.3f} | {density} | {result['seconds']:.0f} |")  # fmt: skip
            progress.update()
            write_atomically(options.out, lambda file: file.write((json.dumps(results, indent=2) + "\n").encode()))
    progress.close()
    if len(options.seeds) > 1:
        print("\n| settings | mean accuracy, % | lowest, highest | / PyTorch BN twin |\n|---|---|---|---|")
        for name in chosen:
            runs = [results[f"{name}, seed {seed}"] for seed in options.seeds]
            accuracy, ratio = ([run[key] for run in runs] for key in ("accuracy", "ratio"))
            print(f"| {name} | {100 * np.mean(accuracy):.2f} | {100 * min(accuracy):.2f}, {100 * max(accuracy):.2f} "
                  f"| {np.mean(ratio):.3f} |")  # fmt: skip


def train(train_set, test_set, net, settings, epochs, seed):
    """Accuracy, bytes and seconds of one run."""
    settings = dict(settings)
    lr, store, decay = (settings.pop(*pair) for pair in (("lr", 0.1), ("store", "auto"), ("weight_decay", 5e-4)))
    warmup = settings.pop("beta_warmup", None)
    model = net(seed=seed, **{"width": WIDTH} | settings)
    loader = DataLoader(train_set, 64, shuffle=True, seed=seed, device="cpu", transform=Augment())
    optimizer = SGD(model.parameters(), lr, 0.9, decay)
    training = Training(model, optimizer, OneCycleLR(optimizer, epochs * len(loader)))
    quick = DataLoader(test_set.subset(500), 250, device="cpu")
    start = time.perf_counter()
    warmup = warmup and BetaWarmup(model, warmup)
    if not training.run(loader, quick, epochs, store=store, before_epoch=warmup, progress=False):
        raise RuntimeError("interrupted; an unfinished run is no row")
    seconds = (time.perf_counter() - start) / epochs
    last = training.history[-1]
    accuracy = evaluate(model, DataLoader(test_set, 250, device="cpu"))[1]
    return {
        "accuracy": accuracy, "bytes": last.saved_bytes,
        "ratio": last.saved_bytes / peer_bytes(net, settings.get("width", WIDTH), train_set),
        "density": last.density, "seconds": seconds,
        "history": [epoch.test_accuracy for epoch in training.history.epochs],
    }  # fmt: skip


NETS = {"VGG16": ("spec, ", "spec s", "saved by", "spectra by", "twin"), "DenseNet": ("dense", "specdense"),
        "AlexNet": ("alex", "specalex")}  # fmt: skip
"""The panels of the chart: how the names of a net's rows begin."""


def chart(results, path):
    """A panel a net, a point a row: mean over its seeds, accuracy against the ratio of bytes. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = {}
    for name, result in results.items():
        groups.setdefault(name.rpartition(", seed")[0], []).append((result["ratio"], 100 * result["accuracy"]))
    means = {name: (*np.mean(runs, axis=0), len(runs)) for name, runs in groups.items()}
    figure = Figure(figsize=(15, 8), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    for axes, (net, starts) in zip(figure.subplots(1, len(NETS)), NETS.items(), strict=True):
        mine = {name: mean for name, mean in means.items() if f"{name}, ".startswith(starts)}
        shown = {name: mean for name, mean in mine.items() if mean[1] > 30}
        lines = []
        for number, (name, (ratio, accuracy, seeds)) in enumerate(sorted(shown.items(), key=lambda item: item[1]), 1):
            spectral = name.startswith(("spec", "dense spectra"))
            axes.plot(ratio, accuracy, "o" if spectral else "s", color="#c2410c" if spectral else "#1d4ed8")
            axes.annotate(str(number), (ratio, accuracy), xytext=(4, 3), textcoords="offset points", fontsize=8)
            lines.append(f"{number:2d}  {name}: {accuracy:.1f} %" + (f" ({seeds} seeds)" if seeds > 1 else ""))
        lines += [f"not shown: {name}, {mean[1]:.0f} % at {mean[0]:.3f}" for name, mean in mine.items() - shown.items()]
        axes.set(title=net, xscale="log", xlabel="saved bytes / PyTorch's twin with batch normalisation (log)\n\n"
                 + "\n".join(lines))  # fmt: skip
        axes.xaxis.label.set(horizontalalignment="left", x=0, fontsize=7.5, linespacing=1.3)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("test accuracy, %, 10 000 images, 10 epochs (round: spectral nets)")
    write_atomically(path, lambda file: figure.savefig(file, format="png"))


def peer_bytes(net, width, train_set):
    """What PyTorch's plain twin with ReLU and batch normalisation saves for a batch of 64."""
    import torch
    import torch_deep
    from torch_nets import saved_bytes

    if net in (DenseNet, SpecDenseNet):
        peer = torch_deep.TorchDenseNet(DenseNet(width=WIDTH).state_dict(), 6)
    elif net in (AlexNet, SpecAlexNet):
        peer = torch_deep.TorchAlexNet(AlexNet(width=WIDTH, batch_norm=True).state_dict())
    elif net in (ResNet, SpecResNet):
        peer = torch_deep.TorchResNet(ResNet(width=width).state_dict(), 3)
    else:
        peer = torch_deep.TorchVGG16(VGG16(width=WIDTH).state_dict())
    images, labels = train_set.images[:64], train_set.labels[:64]
    return saved_bytes(peer, torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels))


if __name__ == "__main__":
    sys.exit(program.guarded(main))
