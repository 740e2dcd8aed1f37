"""Which transform of a trained net's maps keeps most of their energy? The spectral store with each, and plain top-k.

    python benchmarks/transforms.py --data-dir FOLDER
    python benchmarks/transforms.py --checkpoint runs/vgg/last.npz --width 1

Trains a VGG16 for a few hundred steps on a part of CIFAR-10, or takes one from a checkpoint, and packs what its batch
normalisations put out for one batch of test images. "space" is the same store without a transform. The first table has
the energy kept, without reduced values, and the bytes an entry with int8 values; the second has the energy kept, int8
rounding included, where the rate is chosen for each map such that all take the same bytes.
"""

import argparse
import collections
import statistics

import numpy as np

from specframe import Tensor
from specframe.data import CIFAR10, Augment, DataLoader
from specframe.layers import BatchNorm2d, Module
from specframe.memory.spectral import SpectralStore
from specframe.memory.transforms import TRANSFORMS, Separable
from specframe.models import VGG16
from specframe.optim import SGD, OneCycleLR
from specframe.training import Training, evaluate, load_checkpoint

RATES = (0.05, 0.1, 0.25)
BUDGETS = (0.1, 0.15, 0.25)  # bytes an entry; float32 takes 4
TRANSFORMS["space"] = Separable(np.eye)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", help="folder with CIFAR-10")
    parser.add_argument("--checkpoint", help="of a VGG16, in place of training one")
    parser.add_argument("--width", type=float, default=0.25, help="of the VGG16 (0.25)")
    parser.add_argument("--epochs", type=int, default=4, help="of 100 steps each (4)")
    options = parser.parse_args()
    test, model = CIFAR10("test", options.data_dir), VGG16(width=options.width)
    if options.checkpoint:
        model.load_state_dict(load_checkpoint(options.checkpoint)["model"])
    else:
        train(model, CIFAR10("train", options.data_dir).subset(6400), test.subset(1000), options.epochs)
    maps = normalised_maps(model, test.images[:64])

    print(f"\n| map | maps x entries | rate | {' | '.join(TRANSFORMS)} |\n|{'---|' * (3 + len(TRANSFORMS))}")
    for side, arrays in maps.items():
        for rate in RATES:
            cells = [f"{kept(arrays, rate, name):.3f} in {size(arrays, rate, name):.3f}" for name in TRANSFORMS]
            print(f"| {side} x {side} | {len(arrays)} x {arrays[0].size:,} | {rate} | {' | '.join(cells)} |")

    print(f"\n| map | bytes an entry | {' | '.join(TRANSFORMS)} |\n|{'---|' * (2 + len(TRANSFORMS))}")
    for side, arrays in maps.items():
        for budget in BUDGETS:
            cells = [f"{kept_in(arrays, budget, name):.3f}" for name in TRANSFORMS]
            print(f"| {side} x {side} | {budget} | {' | '.join(cells)} |")


def train(model, train_set, test_set, epochs):
    loader = DataLoader(train_set, 64, shuffle=True, device="cpu", transform=Augment())
    quick = DataLoader(test_set, 250, device="cpu")
    optimizer = SGD(model.parameters(), 0.1, 0.9, 5e-4)
    training = Training(model, optimizer, OneCycleLR(optimizer, epochs * len(loader)))
    training.run(loader, quick, epochs, progress=False)
    print(f"{epochs * len(loader)} steps, test accuracy {evaluate(model, quick)[1]:.1%}")


def normalised_maps(model, images):
    """{rows: outputs of the batch normalisations with so many rows}, in the order of the forward."""
    maps = collections.defaultdict(list)

    def collect(module, result):
        if isinstance(module, BatchNorm2d):
            maps[result.shape[0]].append(result.data)

    with Module.observed(collect):
        model(Tensor(np.ascontiguousarray(images.transpose(2, 3, 0, 1), np.float32)))
    return maps


def packed(array, rate, values, transform):
    return SpectralStore(rate, values, transform).pack(array)


def energy(array, handle):
    """1 - |x - x'|^2 / |x|^2."""
    return 1 - float(np.sum((array - handle.dense()) ** 2) / np.sum(array**2))


def kept(arrays, rate, transform):
    return statistics.mean(energy(array, packed(array, rate, "exact", transform)) for array in arrays)


def size(arrays, rate, transform):
    return sum(packed(array, rate, "int8", transform).nbytes for array in arrays) / sum(array.size for array in arrays)


def kept_in(arrays, budget, transform):
    """The mean energy kept at the largest rates whose handles stay within `budget` bytes an entry."""
    shares = []
    for array in arrays:
        low, high = 0.001, 1.0
        while high / low > 1.01:
            rate = (low * high) ** 0.5
            within = packed(array, rate, "int8", transform).nbytes <= budget * array.size
            low, high = (rate, high) if within else (low, rate)
        shares.append(energy(array, packed(array, low, "int8", transform)))
    return statistics.mean(shares)


if __name__ == "__main__":
    main()
