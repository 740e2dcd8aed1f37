"""How far a lossy Z bends the slope that the backward reads off it: f'(Y / a) = 1 - (Z / a)^2 for tanh.

    python benchmarks/slope_bias.py

With unbiased rounding, E[Z'] = Z but E[Z'^2] = Z^2 + var(Z'), so the slope comes out too small by var(Z') / a^2 on
average, and below zero where Z is near a. The table gives, for the entries of the stored spectra of a briefly trained
SpecVGG16 (CIFAR-10, width 0.25) and of the same net with plain tanh (a = 1): the mean of the slope, its bias, its
spread, the share of slopes below zero, and the cosine of the gradient of all parameters to the exact one when Z alone
is lossy. Z is lossy for the next convolution too; so the last column leaves the bias no place to hide.
"""

import argparse
import sys

import numpy as np
import program

import specframe as sf
from specframe.data import CIFAR10, DataLoader
from specframe.memory.reduced_mask import ReducedMaskStore
from specframe.memory.values import encode
from specframe.models import SpecVGG16
from specframe.optim import SGD
from specframe.training import say, train_step

KINDS = ("float16", "int8", "int4", "int2")
DRAWS = 16


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", help="folder with CIFAR-10")
    parser.add_argument("--steps", type=int, default=60, help="of training before the measurement (60)")
    options = parser.parse_args()
    program.takes(3)
    images = CIFAR10("train", options.data_dir)
    print("| a | values | mean slope | bias | spread | below zero | cosine of the gradient |")
    print("|---|---|---|---|---|---|---|", flush=True)
    progress = program.bar(2 * (options.steps + len(KINDS)), "step")
    for scale in (8.0, 1.0):
        net, batch = trained(scale, images, options.steps, progress)
        exact, spectra = gradient(net, batch, "mask")
        for kind in KINDS:
            lossy, _ = gradient(net, batch, {"spectral_act": ReducedMaskStore(kind), "default": "auto"})
            cosine = float(exact @ lossy / np.linalg.norm(exact) / np.linalg.norm(lossy))
            mean, bias, spread, below = slopes(spectra, kind, scale)
            say(f"| {scale:g} | {kind} | {mean:.3f} | {bias:+.5f} | {spread:.5f} | {100 * below:.2f} % "
                f"| {cosine:.5f} |")  # fmt: skip
            progress.update()
    progress.close()


def trained(scale, images, steps, progress):
    """(net, a batch it has not seen)."""
    batches = DataLoader(images, 64, shuffle=True, prefetch=0, device="cpu").epoch(0)
    net = SpecVGG16(width=0.25, scale=scale)
    optimizer = SGD(net.parameters(), 0.05, 0.9, 5e-4)
    for _ in range(steps):
        train_step(net, optimizer, *next(batches))
        progress.update()
    return net, next(batches)


def gradient(net, batch, store):
    """(gradient of all parameters, flat; values of the stored spectra)."""
    for parameter in net.parameters():
        parameter.grad = None
    with sf.Tape(store=store, seed=0) as tape:
        loss = sf.ops.softmax_cross_entropy(net(sf.Tensor(batch[0])), batch[1])
    handles = [record.ctx["Z"] for record in tape.records if "Z" in record.ctx.saved]
    spectra = [handle.sparse().values for handle in handles]
    del handles
    tape.backward(loss)
    return np.concatenate([parameter.grad.ravel() for parameter in net.parameters()]).astype(np.float64), spectra


def slopes(spectra, kind, scale):
    """Mean of the exact slope, mean error over some draws, deviation of the error, share below zero."""
    exact, errors, below = [], [], []
    for values in spectra:
        true = 1 - (values.view(np.float32) / scale) ** 2
        exact.append(true)
        for draw in range(DRAWS):
            bent = 1 - (encode(values, kind, (draw,)).decode().view(np.float32) / scale) ** 2
            errors.append(bent - true)
            below.append(bent < 0)
    errors = np.concatenate(errors)
    return np.concatenate(exact).mean(), errors.mean(), errors.std(), np.concatenate(below).mean()


if __name__ == "__main__":
    sys.exit(program.guarded(main))
