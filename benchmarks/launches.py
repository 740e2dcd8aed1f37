"""What a training step asks of a GPU: launches, copies among them, waits of the host, uploads besides the batch.

    python benchmarks/launches.py                      of four nets
    python benchmarks/launches.py --batch-size 128     more, where maps are so large that they go in pieces
    python benchmarks/launches.py --ops                of single ops, forward and backward; what CUDA's bodies spare
    python benchmarks/launches.py --peaks              its peak in CuPy's pool, beside the CPU's

Counted without a GPU, by the strict stand-in for CuPy of the tests (tests/kit), whose kernels g++ compiles for the CPU.
A product or a transform is one launch here, whatever the library makes of it. The step is the second one: the first
sends constants to the device. A peak counts every array in blocks of 512 bytes, as the pool does, and no work areas of
cuFFT and cuBLAS.
"""

import argparse
import contextlib
import sys
from pathlib import Path

import numpy as np
import program

import specframe as sf
from specframe import backend, models, ops
from specframe.optim import SGD
from specframe.training import step_cost, train_step

sys.path.append(str(Path(__file__).resolve().parents[1]))
from tests.kit import costs, shim
from tests.kit.strict import STRICT

NETS = {"SpecLeNet5": {}, "LeNet5": {}, "SpecVGG16": {"width": 0.125}, "VGG16": {"width": 0.125}}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=NETS)
    parser.add_argument("--batch-size", type=int, help="images a step (4; for peaks 64 of LeNet, 16 of VGG16)")
    parser.add_argument("--ops", action="store_true", help="count single ops instead")
    parser.add_argument("--peaks", action="store_true", help="measure peaks instead")
    options = parser.parse_args(arguments)
    if shim.COMPILER is None:
        parser.error(shim.WHY_NOT)
    program.takes(1)
    if options.ops:
        print("| op | plain body, forward + backward | CUDA's body |\n|---|---|---|")
        for name in OPS:
            counted = (of_op(name, plain) for plain in (True, False))
            print(f"| {name} | {' | '.join('{} + {}'.format(*pair) for pair in counted)} |")
        return
    if options.peaks:
        print("| net | images | CPU, MB | CUDA, MB | ratio |\n|---|---|---|---|---|")
        for name in options.nets:
            images = options.batch_size or (64 if name.endswith("LeNet5") else 16)
            cpu, cuda = (peak(name, images, b) for b in (backend.get("cpu"), STRICT))
            print(f"| {name} | {images} | {cpu / 1e6:.2f} | {cuda / 1e6:.2f} | {cuda / cpu:.2f} |")
        return
    print("| net | launches | copies | waits | uploads |\n|---|---|---|---|---|")
    for name in options.nets:
        step = of_step(name, options.batch_size or 4)
        print(f"| {name} | {step.launches} | {step.copies} | {step.waits} | {step.uploads} |")


def of_step(name, batch_size=4):
    """Costs of a step of a net: forward, backward and SGD with momentum and decay, the batch on the device."""
    net, x, y = drawn(name, batch_size, STRICT)
    optimizer = SGD(net, lr=0.01, momentum=0.9, weight_decay=5e-4)
    train_step(net, optimizer, x, y)
    with costs.count() as step:
        train_step(net, optimizer, x, y)
    return step


def peak(name, batch_size, b):
    """Bytes that a forward and a backward need above what lives before, saved by `auto`."""
    net, x, y = drawn(name, batch_size, b)
    return [step_cost(net, x, y)[1] for _ in range(2)][-1]  # the first makes constants


def drawn(name, batch_size, b):
    """A net, and a batch for it."""
    net = getattr(models, name)(**NETS[name], seed=1).to(b)
    size, channels = (28, 1) if name.endswith("LeNet5") else (32, 3)
    rng = np.random.default_rng(0)
    x = b.asarray(rng.standard_normal((size, size, batch_size, channels), dtype=np.float32))
    return net, x, b.asarray(rng.integers(0, 10, batch_size))


# ---- single ops --------------------------------------------------------------------------------------------------

rng = np.random.default_rng(0)
MAP, WEIGHT, BIAS = ((8, 8, 4, 6), (5, 6, 3, 3), (5,))  # rows, cols, batch, channels; c_out, c_in, k, k


def real(shape):
    return sf.Tensor(STRICT.asarray(rng.standard_normal(shape, dtype=np.float32)), requires_grad=True)


def spectrum():
    with sf.no_grad():
        Y = ops.rfft2(real(MAP), (8, 8))
    Y.requires_grad = True
    return Y


OPS = {
    "conv2d": lambda: (ops.conv2d, (real(MAP), real(WEIGHT), real(BIAS), 1, "same")),
    "batch_norm2d": lambda: (ops.batch_norm2d, (real(MAP), real((6,)), real((6,)))),
    "max_pool2d": lambda: (ops.max_pool2d, (real(MAP),)),
    "softmax_cross_entropy": lambda: (ops.softmax_cross_entropy, (real((4, 10)), STRICT.asarray(np.arange(4)))),
    "rfft2": lambda: (ops.rfft2, (real(MAP), (8, 8))),
    "irfft2": lambda: (ops.irfft2, (spectrum(),)),
    "spectral_conv2d": lambda: (ops.spectral_conv2d, (spectrum(), real(WEIGHT), real(BIAS))),
    "spectral_conv_act": lambda: (ops.spectral_conv_act, (spectrum(), real(WEIGHT), real(BIAS))),
    "spectral_act": lambda: (ops.spectral_act, (spectrum(),)),
    "spectral_batch_norm2d": lambda: (ops.spectral_batch_norm2d, (spectrum(), real((6,)), real((6,)))),
}


def of_op(name, plain):
    """(launches forward, launches backward) of the op's own body or of CUDA's, with everything kept dense."""
    with sf.reference() if plain else contextlib.nullcontext():
        for _ in range(2):  # the first sends constants
            op, arguments = OPS[name]()
            with costs.count() as forward, sf.Tape(store="dense") as tape:
                y = op(*arguments)
            gy = y.data.copy()
            with costs.count() as backward:
                tape.backward(y, gy)
    return forward.launches, backward.launches


if __name__ == "__main__":
    sys.exit(program.guarded(main))
