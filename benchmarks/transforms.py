"""Which transform of a trained net's maps keeps most of their energy? The store dct, and as it would be with others.

    python benchmarks/transforms.py --data-dir FOLDER
    python benchmarks/transforms.py --checkpoint runs/vgg/last.npz --width 1

Trains a VGG16 for a few hundred steps on a part of CIFAR-10, or takes one from a checkpoint, and packs what its batch
normalisations put out for one batch of test images. The first table has the energy kept, without reduced values, and
the bytes an entry with int8 values; the second has the energy kept, int8 rounding included, where the rate is chosen
for each map such that all take the same bytes.

    DCT         what the store does
    Haar        y = A x B^T as well, with the wavelet's orthonormal matrices
    FFT         y = sqrt(c) F x, the half spectrum in the ortho norm
                c: how many bins of the full spectrum this stored bin stands for (0, 1, 2)
    in space    y = x

All are orthonormal: sum |y|^2 = sum x^2, so that a coefficient which is dropped costs its square. On columns 0 and W/2
of the half spectrum both members of a conjugate pair would be stored: there the second one is left out (c = 0).
"""

import argparse
import collections
import functools
import math
import statistics
import sys

import numpy as np
import program

from specframe import Tensor
from specframe.data import CIFAR10, Augment, DataLoader
from specframe.layers import BatchNorm2d, Module
from specframe.memory.dct import DCT, Keep, both_sides
from specframe.models import VGG16
from specframe.optim import SGD, OneCycleLR
from specframe.spectrum import column_weights
from specframe.training import Training, evaluate, load_checkpoint

RATES = (0.05, 0.1, 0.25)
BUDGETS = (0.1, 0.15, 0.25)  # bytes an entry; float32 takes 4


# ---- the other transforms --------------------------------------------------------------------------------------


class Haar(DCT):
    """The wavelet on all levels, of the rows and of the columns."""

    def forward(self, array):
        A, B = (haar_matrix(n).astype(self.dtype) for n in self.shape[:2])
        return both_sides(A, array, B)

    def inverse(self, coefficients):
        A, B = (haar_matrix(n).astype(self.dtype) for n in self.shape[:2])
        return both_sides(A.T, coefficients, B.T)


@functools.lru_cache
def haar_matrix(n):
    """The Haar wavelet on all levels, coarsest row first.

    A level turns pairs of samples into (a + b) / sqrt(2), handed to the next level, and (a - b) / sqrt(2). The last
    sample of an odd length has no partner and is handed on as it is.
    """
    if n == 1:
        return np.eye(1)
    identity, pairs = np.eye(n), n // 2
    a, b = identity[0 : 2 * pairs : 2], identity[1 : 2 * pairs : 2]
    low = np.concatenate([(a + b) / math.sqrt(2), identity[2 * pairs :]])
    return np.concatenate([haar_matrix(n - pairs) @ low, (a - b) / math.sqrt(2)])


class FFT(DCT):
    """The Fourier transform on the map's own grid, one of each conjugate pair."""

    def forward(self, array):
        weights = np.sqrt(copies(*self.shape[:2])).astype(self.dtype)[..., None, None]
        return self._backend.rfft2(array, self.shape[:2], "ortho") * weights

    def inverse(self, coefficients):
        # The library doubles the inner columns itself. Of the outer ones it takes the Hermitian part, half of a bin
        # whose partner is zero.
        rows, cols = self.shape[:2]
        weights = (np.sqrt(copies(rows, cols)) / column_weights(cols)).astype(self.dtype)[..., None, None]
        return self._backend.irfft2(coefficients * weights, (rows, cols), "ortho")


def copies(rows, cols):
    """c, (rows, cols//2 + 1): 2 where a bin stands for its conjugate too, 1 where it is its own, 0 where left out."""
    p = np.arange(rows)
    of_pair = np.sign(-p % rows - p) + 1  # 2 for the first of p and -p, 1 where they are the same, 0 for the second
    return np.where(column_weights(cols) == 2, 2, of_pair[:, None])


class Space(DCT):
    """No transform."""

    def forward(self, array):
        return np.ascontiguousarray(array)

    def inverse(self, coefficients):
        return coefficients


TRANSFORMS = {"FFT": FFT, "DCT": DCT, "Haar": Haar, "in space": Space}


# ---- the tables ------------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", help="folder with CIFAR-10")
    parser.add_argument("--checkpoint", help="of a VGG16, in place of training one")
    parser.add_argument("--width", type=float, default=0.25, help="of the VGG16 (0.25)")
    parser.add_argument("--epochs", type=int, default=4, help="of 100 steps each (4)")
    options = parser.parse_args()
    program.takes(1 if options.checkpoint else 3)
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
    training.run(loader, quick, epochs)
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
    return TRANSFORMS[transform](array, Keep("rate", rate), values, (0, 1))


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
    sys.exit(program.guarded(main))
