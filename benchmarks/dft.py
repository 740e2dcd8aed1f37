"""Where do products with DFT matrices beat the FFT? Time specframe/fast/cpu/dft.py and the FFT over grid sizes.

    python benchmarks/dft.py

Prints milliseconds for the transform of a batch of maps to a half spectrum and back, dense and with a quarter of the
frequencies active, and the ratio. Both run in this process, in turn; figures are medians.
"""

import argparse
import statistics
import sys
import time

import numpy as np
import program

from specframe import backend
from specframe.fast.cpu import dft


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--maps", type=int, default=384, help="maps in a batch, batch times channels (384)")
    parser.add_argument("--repeat", type=int, default=15, help="timings of each (15)")
    options = parser.parse_args()
    program.takes(1)
    print("| grid | active | products, ms | FFT, ms | products / FFT |\n|---|---|---|---|---|")
    for n in (8, 16, 20, 32, 36, 48, 64, 72, 96, 128):
        for share in (1.0, 0.25):
            products, fft = compare(n, options.maps, share, options.repeat)
            ratio = statistics.median(a / b for a, b in zip(products, fft, strict=True))
            print(f"| {n} x {n} | {share:.0%} | {1e3 * statistics.median(products):.2f} "
                  f"| {1e3 * statistics.median(fft):.2f} | {ratio:.2f} |")  # fmt: skip


def compare(n, maps, share, repeat):
    """Seconds of both, there and back."""
    b, grid = backend.get("cpu"), (n, n)
    x = np.random.default_rng(0).standard_normal((n, n, maps, 1), dtype=np.float32)
    active = None
    if share < 1:  # a low-pass square that holds this share of the half spectrum
        side = round(n / 2 * share**0.5)
        active = np.zeros((n, n // 2 + 1), bool)
        active[:side, :side] = active[-side:, :side] = True

    def products():
        X = dft.analysis(x, grid, 1 / n, active=active)
        dft.synthesis(X, grid, grid, 1 / n, active=active)

    def fft():
        X = b.rfft2(x, grid, "ortho")
        b.irfft2(X, grid, "ortho")

    times = []
    for body in (products, fft):
        body()
    for _ in range(repeat):
        pair = []
        for body in (products, fft):
            start = time.perf_counter()
            body()
            pair.append(time.perf_counter() - start)
        times.append(pair)
    return tuple(zip(*times, strict=True))


if __name__ == "__main__":
    sys.exit(program.guarded(main))
