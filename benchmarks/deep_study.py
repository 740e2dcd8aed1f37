"""Deep nets on a part of CIFAR-10: accuracy against saved bytes, spectral nets beside their twins. One run a row.

    python benchmarks/deep_study.py vgg          the rows of SpecVGG16 and its twins
    python benchmarks/deep_study.py "spec s3"    one of them

Protocol: width 0.25, the first 10 000 training images, the standard augmentation, 10 epochs, batch 64, SGD with
momentum 0.9, weight decay 5e-4, one cycle of the learning rate. Accuracy is on the 10 000 test images after the last
epoch; bytes are those of a full batch then, and the ratio is to PyTorch's plain net of the same width with batch
normalisation, its saved tensors counted by benchmarks/torch_nets.py (extra `oracle`).
"""

import argparse
import json
import time

import numpy as np
import torch
import torch_deep
from torch_nets import saved_bytes

from specframe.data import CIFAR10, Augment, DataLoader
from specframe.models import VGG16, DenseNet, SpecDenseNet, SpecVGG16
from specframe.optim import SGD, OneCycleLR
from specframe.training import Training, evaluate, write_atomically

WIDTH = 0.25
ROWS = {
    "vgg": {
        "twin: ReLU, BN": (VGG16, {"lr": 0.1}),
        "twin: tanh, BN": (VGG16, {"activation": "tanh", "lr": 0.1}),
        "twin: ReLU, no BN": (VGG16, {"batch_norm": False, "lr": 0.02}),
        "spec s3: BN after pooling, beta 0.5, scale 8, gain 2": (
            SpecVGG16, {"spectral_stages": 3, "batch_norm": "pool"}),
        "spec s2: two spectral stages": (SpecVGG16, {"batch_norm": "pool"}),
        "spec s2, beta 1": (SpecVGG16, {"batch_norm": "pool", "beta": 1.0}),
        "spec s2, beta 2": (SpecVGG16, {"batch_norm": "pool", "beta": 2.0}),
        "spec s3, beta 1": (SpecVGG16, {"spectral_stages": 3, "batch_norm": "pool", "beta": 1.0}),
        "spec s3, spectral BN, beta 0.5": (SpecVGG16, {"spectral_stages": 3, "batch_norm": "spectral"}),
        "spec s3, spectral BN, beta 1": (SpecVGG16, {"spectral_stages": 3, "batch_norm": "spectral", "beta": 1.0}),
        "spec s2, spectral BN, beta 0.5": (SpecVGG16, {}),
        "spec s3, scale 4, gain 1": (
            SpecVGG16, {"spectral_stages": 3, "batch_norm": "pool", "scale": 4.0, "gain": 1.0}),
        "spec s3, as printed: no BN, plain tanh": (
            SpecVGG16, {"spectral_stages": 3, "batch_norm": None, "scale": 1.0, "gain": 1.0, "lr": 0.02}),
    },
    "densenet": {
        "dense twin: ReLU, BN": (DenseNet, {"lr": 0.1}),
        "specdense: spectral BN, beta 0.5": (SpecDenseNet, {"batch_norm": "spectral"}),
        "specdense: spectral BN, beta 0.1": (SpecDenseNet, {"batch_norm": "spectral", "beta": 0.1}),
        "specdense: spectral BN, beta 1": (SpecDenseNet, {"batch_norm": "spectral", "beta": 1.0}),
        "specdense: BN after pooling, beta 0.5": (SpecDenseNet, {"batch_norm": "pool"}),
    },
}  # fmt: skip
ALL = {name: row for group in ROWS.values() for name, row in group.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="vgg, densenet, or the beginning of a row's name")
    parser.add_argument("--data-dir", help="folder with CIFAR-10")
    parser.add_argument("--train-size", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", default="runs/benchmarks/deep_study.json", help="JSON file to write")
    options = parser.parse_args()
    chosen = [name for name in ALL if not options.rows or any(
        name in ROWS.get(row, ()) or name.startswith(row) for row in options.rows)]  # fmt: skip
    data = CIFAR10("train", options.data_dir).subset(options.train_size), CIFAR10("test", options.data_dir)
    results = {}
    print("| settings | test accuracy, % | saved, MB | / PyTorch BN twin | densities | s an epoch |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in chosen:
        result = results[name] = train(*data, *ALL[name], options.epochs)
        density = ", ".join(f"{d:.2f}" for d in result["density"]) or "-"
        print(f"| {name} | {100 * result['accuracy']:.2f} | {result['bytes'] / 1e6:.2f} | {result['ratio']:.3f} "
              f"| {density} | {result['seconds']:.0f} |", flush=True)  # fmt: skip
        write_atomically(options.out, lambda file: file.write((json.dumps(results, indent=2) + "\n").encode()))


def train(train_set, test_set, net, settings, epochs):
    """Accuracy, bytes and seconds of one run."""
    settings = dict(settings)
    lr = settings.pop("lr", 0.1)
    model = net(width=WIDTH, **settings)
    loader = DataLoader(train_set, 64, shuffle=True, device="cpu", transform=Augment())
    optimizer = SGD(model.parameters(), lr, 0.9, 5e-4)
    training = Training(model, optimizer, OneCycleLR(optimizer, epochs * len(loader)))
    quick = DataLoader(test_set.subset(500), 250, device="cpu")
    start = time.perf_counter()
    training.run(loader, quick, epochs, progress=False)
    seconds = (time.perf_counter() - start) / epochs
    last = training.history[-1]
    accuracy = evaluate(model, DataLoader(test_set, 250, device="cpu"))[1]
    return {
        "accuracy": accuracy, "bytes": last.saved_bytes, "ratio": last.saved_bytes / peer_bytes(net, train_set),
        "density": last.density, "seconds": seconds,
        "history": [epoch.test_accuracy for epoch in training.history.epochs],
    }  # fmt: skip


def peer_bytes(net, train_set):
    """What PyTorch's plain twin with ReLU and batch normalisation saves for a batch of 64."""
    dense = net in (DenseNet, SpecDenseNet)
    state = (DenseNet if dense else VGG16)(width=WIDTH).state_dict()
    peer = torch_deep.TorchDenseNet(state, 6) if dense else torch_deep.TorchVGG16(state)
    images, labels = train_set.images[:64], train_set.labels[:64]
    return saved_bytes(peer, torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels))


if __name__ == "__main__":
    main()
