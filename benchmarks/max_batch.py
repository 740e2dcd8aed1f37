"""Find the largest batch that trains within a memory budget, for each way to save memory.

    python benchmarks/max_batch.py --budget 512MB --model vgg16 --width 0.25
    python benchmarks/max_batch.py --budget 1GiB --model densenet --strategies dense auto quant4+checkpoint spec+mask8
    python benchmarks/max_batch.py --budget 64MB --model lenet5 --data mnist

The peak is that of a real forward and backward: on the CPU as tracemalloc sees it (scratch inside BLAS and the Fourier
transform is not seen), on a GPU by CuPy's allocator. What lives between two steps is not in it: parameters, the
optimizer's state, the batch of images. Below 32 images the batch is the largest to one image, above within 2 %.
Names of strategies are sums of parts (benchmarks/strategies.py); weights are initial ones.
"""

import argparse
import re
import sys
import time

import numpy as np
import program
from strategies import SPECTRAL, TWIN, build, parse
from tqdm import tqdm

from specframe import backend
from specframe.data import DATASETS, open_dataset
from specframe.optim import SGD
from specframe.training import step_cost, train_step

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
LEAP = 8  # a batch is tried that is at most so many times the largest one measured


def main(arguments=None):
    parser = make_parser()
    option = parser.parse_args(arguments)
    try:
        run(option)
    except (ValueError, RuntimeError, OSError) as error:
        parser.error(str(error))
    return 0


def make_parser():
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--budget", type=size, required=True, metavar="SIZE", help="memory for a step: 512MB, 1.5GiB, ...")
    add("--model", choices=["lenet5", "alexnet", "vgg16", "densenet", "resnet"], default="vgg16",
        help="the network and its twin (vgg16)")  # fmt: skip
    add("--width", type=float, default=0.25, help="scales the channels of all but LeNet (0.25)")
    add("--strategies", nargs="+", metavar="NAME", type=strategy, default=[*TWIN, *SPECTRAL],
        help="dense, quant8+checkpoint, spec+mask8+block, ...: parts joined by + (20 of them)")  # fmt: skip
    add("--image-size", type=count, metavar="N", help="of random images (28 for lenet5, else 32)")
    add("--data", metavar="NAME",
        help=f"images of {', '.join(sorted(DATASETS))} or folder:PATH:SIZE, over and over (random numbers)"
    )  # fmt: skip
    add("--data-dir", metavar="DIR", help="folder with the data files; else $SPECFRAME_DATA, the cache, a download")
    add("--max-batch", type=count, default=4096, metavar="N", help="do not try more images (4096)")
    add("--seed", type=int, default=0, help="of weights and random images (0)")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto takes a GPU where there is one (auto)")
    return parser


def count(text):
    """An argparse type: a number of images, or of pixels."""
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text:.20}")
    return int(text)


def size(text):
    """An argparse type: bytes, from a number and a unit."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([A-Za-z]*)", text.strip())
    if not match or match[2].upper() not in UNITS or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"expected a size as 512MB or 1.5GiB, got {text}")
    return int(float(match[1]) * UNITS[match[2].upper()])


def strategy(name):
    """An argparse type: the name of a strategy."""
    try:
        parse(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def run(option):
    images, budget = Images(option), f"{option.budget / 1e6:.6g} MB"
    print(f"{option.model}, images {images.shape}, a step in {budget} on {images.device.name}")
    program.takes(len(option.strategies) / 2 * max(1, option.budget / 512e6))
    found, notes = {}, []
    with tqdm(option.strategies, unit="strategy", leave=False, disable=None) as bar:
        for name in bar:
            try:
                found[name] = largest(name, option, images, bar)
            except ValueError as error:
                notes.append(f"{name} is left out: {error}")
                continue
            if found[name] is None:
                notes.append(f"{name}: not even one image trains in {budget}")
    print("\n".join([*table(found, option.max_batch), *notes]))


def largest(name, option, images, bar):
    """(largest batch, its peak in bytes, seconds of a step) of a strategy, or None."""
    way = parse(name)
    net = build(
        option.model, way, images.shape[0], images.shape[1], option.width, num_classes=images.classes,
        seed=option.seed,
    ).to(images.device)  # fmt: skip
    settings = {"store": way.store, "recompute": way.recompute}
    optimizer = SGD(net.parameters(), 1e-6, 0.9)
    train_step(net, optimizer, *images.batch(1), **settings)  # imports and plans are not a step's memory

    def peak(batch):
        bar.set_postfix_str(f"{name}: {batch}")
        try:
            return step_cost(net, *images.batch(batch), **settings)[1]
        except MemoryError:
            return float("inf")

    batch, nbytes = search(peak, option.budget, option.max_batch)
    if batch == 0:
        return None
    x, y = images.batch(batch)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        train_step(net, optimizer, x, y, **settings)
        images.device.synchronize()
        seconds.append(time.perf_counter() - start)
    return batch, nbytes, min(seconds)


def search(peak, budget, limit):
    """(largest batch up to `limit` whose `peak(batch)` is within the budget, its peak); (0, 0) where 1 is too many.

    A peak grows nearly by the same amount an image: the next batch to measure is where the line through the last two
    meets the budget. The answer was measured, and so was one that is too large, 1 image above below 32 images and 2 %
    above from there on; a middle of the two is tried where the line does not tell.
    """
    measured = {}
    low, high = 0, limit + 1  # within the budget, and beyond it
    guess = 1
    while high - low > tolerance(low):
        measured[guess] = peak(guess)
        low, high = (guess, high) if measured[guess] <= budget else (low, guess)
        if low == 0 and high == 1:
            return 0, 0
        guess = aim(measured, budget, low, high)
    return low, measured[low]


def tolerance(batch):
    """How far above the answer the batch may be that was found too large."""
    return 1 if batch < 32 else max(1, int(0.02 * batch))


def aim(measured, budget, low, high):
    """The next batch to measure between `low` and `high`."""
    finite = [batch for batch, nbytes in measured.items() if nbytes < float("inf")]
    near = sorted(finite, key=lambda batch: abs(measured[batch] - budget))
    farthest = min(high - 1, LEAP * max(measured))
    if len(near) < 2:
        return min(4, farthest)
    one, other = near[:2]
    slope = (measured[one] - measured[other]) / (one - other)
    line = one + (budget - measured[one]) / slope if slope > 0 else farthest
    step = tolerance(low)
    if len(measured) > 6 or low + step >= high:
        return (low + high) // 2
    # Just inside what is known: a batch that proves the line right ends the search.
    return int(min(max(line, low + step), max(high - step, low + 1), farthest))


class Images:
    """Batches of any size, of random numbers or of a data set's images, over and over.

    Attributes
    ----------
    shape : (channels, rows, cols)
    classes : int
    device : Backend
    """

    def __init__(self, option):
        self.device, self._rng = backend.get(option.device), np.random.default_rng(option.seed)
        if option.data is None:
            lenet = option.model == "lenet5"
            side = option.image_size or (28 if lenet else 32)
            self.shape, self.classes, self._data = (1 if lenet else 3, side, side), 10, None
            return
        if option.image_size is not None:
            raise ValueError(f"--image-size is for random images, those of {option.data} have theirs")
        self._data = open_dataset(option.data, "train", option.data_dir)
        self.shape, self.classes = self._data.images.shape[1:], self._data.num_classes
        if self.shape[1] != self.shape[2]:
            raise ValueError(f"{option.data}: the networks take square images, got {self.shape[1]} x {self.shape[2]}")

    def batch(self, count):
        """(x, y) of `count` images on the device."""
        if self._data is None:
            x = self._rng.standard_normal((*self.shape[1:], count, self.shape[0]), np.float32)
            y = self._rng.integers(0, self.classes, count)
        else:
            chosen = np.arange(count) % len(self._data)
            x = np.ascontiguousarray(self._data.images[chosen].transpose(2, 3, 0, 1))
            y = self._data.labels[chosen]
        return self.device.asarray(x), self.device.asarray(y)


def table(found, limit):
    """Lines of text; batches relative to that of dense, where it is among them."""
    rows = [("strategy", "largest batch", "x dense", "s a step", "peak, MB")]
    dense = (found.get("dense") or (None,))[0]
    for name, figures in found.items():
        if figures is None:
            rows.append((name, *"----"))
            continue
        batch, nbytes, seconds = figures
        more = f"{batch / dense:.2f}" if dense else "-"
        rows.append((name, f"{batch}{'+' if batch == limit else ''}", more, f"{seconds:.3f}", f"{nbytes / 1e6:.1f}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    first, *others = widths
    return ["  ".join([name.ljust(first), *map(str.rjust, cells, others)]) for name, *cells in rows]


if __name__ == "__main__":
    sys.exit(main())
