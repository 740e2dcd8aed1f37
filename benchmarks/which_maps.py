"""Which saved maps can bear loss? The gradient of VGG16 when the maps of one stage alone are kept lossily.

    python benchmarks/which_maps.py

Trains VGG16 (width 0.25, ReLU and batch normalisation) on a part of CIFAR-10 for a few hundred steps. Then, on a batch
it has not seen, the maps of one stage are kept by each store and all others exactly: the bytes of the net, and the
angle between the gradient and the exact one, as 1 - cosine (the mean over several draws), of all parameters as one
vector and of the kernel that suffers most. "bias" is that kernel's angle when its gradient is first averaged over the
draws: what is left then does not average out over the steps of a training either. Last, all stages together, and
combinations that give each stage the store it can bear.
"""

import argparse
import sys

import numpy as np
import program
from transforms import train

import specframe as sf
from specframe.data import CIFAR10, DataLoader
from specframe.models import VGG16
from specframe.training import say

STORES = ("quant8", "quant4", "topk:0.5:int8", "dct:0.5:int8", "dct:0.25:int8", "dct:0.1:int8")
MIXED = {
    "quant4 in stage 1, quant8": ["quant4"] + ["quant8"] * 4,
    "quant4 in stages 1 and 2, quant8": ["quant4"] * 2 + ["quant8"] * 3,
    "topk:0.5:int8 in stages 1 and 2, quant8": ["topk:0.5:int8"] * 2 + ["quant8"] * 3,
    "dct:0.5:int8 in stages 1 and 2, quant8": ["dct:0.5:int8"] * 2 + ["quant8"] * 3,
    "dct:0.25:int8 in stages 1 and 2, quant8": ["dct:0.25:int8"] * 2 + ["quant8"] * 3,
    "dct:0.1:int8 in stages 1 and 2, quant8": ["dct:0.1:int8"] * 2 + ["quant8"] * 3,
    "dct:0.25:int8 in stages 1 to 3, quant8": ["dct:0.25:int8"] * 3 + ["quant8"] * 2,
    "dct:0.1:int8 in stage 1, 0.25 in 2 and 3, quant8": (
        ["dct:0.1:int8"] + ["dct:0.25:int8"] * 2 + ["quant8"] * 2),
}  # fmt: skip
DRAWS = 8


class Staged(VGG16):
    """VGG16 whose stages are each kept by a store of its own."""

    stores = ("dense",) * 5

    def stage(self, number, x):
        with sf.store(self.stores[number]):
            return super().stage(number, x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", help="folder with CIFAR-10")
    parser.add_argument("--width", type=float, default=0.25, help="scales the channels (0.25)")
    parser.add_argument("--epochs", type=int, default=4, help="of training before, 100 steps each (4)")
    options = parser.parse_args()
    program.takes(4)
    test, net = CIFAR10("test", options.data_dir), Staged(width=options.width)
    train(net, CIFAR10("train", options.data_dir).subset(6400), test.subset(1000), options.epochs)
    net.train()
    print()
    x, y = next(DataLoader(test, 64, device="cpu", prefetch=0).epoch(0))
    stages = range(len(net.stages))
    exact = gradient(net, x, y, ["dense"] * len(stages), 0)

    print(
        "| lossy | saved, MB | relative to dense | 1 - cosine | worst kernel | its bias |\n|---|---|---|---|---|---|",
        flush=True,
    )
    progress = program.bar(len(STORES) * (len(stages) + 1) + len(MIXED), "row")
    for store in STORES:
        for one in stages:
            row(f"{store} in stage {one + 1}", net, x, y, [store if i == one else "dense" for i in stages], exact)
            progress.update()
        row(f"{store} in all", net, x, y, [store] * len(stages), exact)
        progress.update()
    for label, stores in MIXED.items():
        row(label, net, x, y, stores, exact)
        progress.update()
    progress.close()


def gradient(net, x, y, stores, seed):
    """(bytes saved, the gradients of all parameters as vectors)."""
    net.stores = stores
    for parameter in net.parameters():
        parameter.grad = None
    with sf.Tape(seed=seed) as tape:
        loss = sf.ops.softmax_cross_entropy(net(sf.Tensor(x)), y)
    tape.backward(loss)
    return tape.ledger.nbytes, [p.grad.reshape(-1).astype(np.float64) for p in net.parameters()]


def row(label, net, x, y, stores, exact):
    nbytes, g = exact
    found = [gradient(net, x, y, stores, seed) for seed in range(DRAWS)]
    draws = [lossy for _, lossy in found]
    whole = np.mean([angle(np.concatenate(g), np.concatenate(lossy)) for lossy in draws])
    kernels = [i for i, p in enumerate(net.parameters()) if p.ndim == 4]
    each = {i: np.mean([angle(g[i], lossy[i]) for lossy in draws]) for i in kernels}
    worst = max(each, key=each.get)
    bias = angle(g[worst], np.mean([lossy[worst] for lossy in draws], axis=0))
    say(f"| {label} | {found[0][0] / 1e6:.2f} | {found[0][0] / nbytes:.3f} | {whole:.5f} | {each[worst]:.4f} "
        f"| {bias:.4f} |")  # fmt: skip


def angle(a, b):
    """1 - cosine."""
    return 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)


if __name__ == "__main__":
    sys.exit(program.guarded(main))
