"""Chapter 12, depth: exercise 28."""

from typing import Any

import numpy as np

from specframe import ops
from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import filled, same
from specframe.exercises.differences import normal
from specframe.tensor import Tensor


@exercise(28, "starving", chapter=12, stars=3, minutes=25, hint="""
    A uniform number on -b .. b has the variance b^2 / 3. K is a sum of k^2 weights times factors of modulus 1, and Y
    a sum over c_in channels. For the density: if the real and the imaginary part of Y are normal, |Y|^2 is
    exponentially distributed, with the mean E|Y|^2.""")  # fmt: skip
def check_28(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for gain, c_in, k in ((1.0, 40, 3), (2.0, 40, 1), (0.7, 32, 5)):
        energies, density = _measured(rng, gain, c_in, k, 0.5)
        for layers, measured in enumerate(energies, start=1):
            got = np.asarray(mine.energy_after(layers, gain))
            same(f"energy_after({layers}, {gain})", got, measured, 0.06)
        got = np.asarray(mine.density(energies[0], 0.5))
        same(f"density({energies[0]:.3f}, 0.5)", got, np.asarray(density), 0.03)
    kept, _ = _measured(rng, float(np.asarray(filled(mine, "GAIN"))), 40, 3, 0.5)
    same(f"the energy after three layers with the gain {mine.GAIN:.4g}", kept[2], np.asarray(1.0), 0.06)
    return "energies and densities are those of random kernels on random maps, through three layers"


def _measured(rng: Any, gain: float, c_in: int, k: int, beta: float) -> tuple[Any, float]:
    """Mean |Y|^2 after one, two and three convolutions, the share |Y| > beta after the first: means of 6 draws."""
    energies, density, bound = np.zeros(3), 0.0, gain / np.sqrt(c_in * k * k)
    for _ in range(6):
        X = ops.rfft2(Tensor(normal(rng, 6, 8, 4, c_in)), (6, 8))
        for layer in range(3):
            X = ops.spectral_conv2d(X, Tensor(rng.uniform(-bound, bound, (c_in, c_in, k, k))))
            inner = abs(X.data[:, 1:-1])  # the edge columns hold real numbers too
            energies[layer] += np.mean(inner**2) / 6
            density += float(np.mean(inner > beta)) / 6 if layer == 0 else 0.0
    return energies, density
