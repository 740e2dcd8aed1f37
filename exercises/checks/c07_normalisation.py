"""Chapter 7, batch normalisation in space and in the spectrum: exercises 18 to 20."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import same
from specframe.exercises.differences import check_gradcheck, check_op, normal


def _normalised(x: Any, gamma: Any, beta: Any) -> Any:
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


@exercise(18, "batch_norm", chapter=7, stars=2, minutes=20, hint="""
    Moving one entry of x moves the mean and the deviation of its channel, and with them every entry of h. Add c to all
    entries of x: y does not change. Multiply x - mean by c: y does not change either. So gx has to be orthogonal to two
    directions. Which parts of gamma g have to be taken off?""")  # fmt: skip
def check_18(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for shape in ((2, 3, 2, 2), (3, 2, 1, 1)):
        inputs = {"x": 2 * normal(rng, *shape) + 1, "gamma": normal(rng, shape[3]), "beta": normal(rng, shape[3])}
        check_op(mine.BatchNorm, inputs, _normalised)
    worst = check_gradcheck(mine.BatchNorm, normal(rng, 8, 7, 5, 3), normal(rng, 3), normal(rng, 3))
    return f"gx, ggamma and gbeta agree with finite differences (gradcheck: {worst:.0e})"


@exercise(19, "moments", chapter=7, stars=2, minutes=20, hint="""
    The mean sits in bin (0, 0), times sqrt(P W). Parseval: the sum of x^2 is the sum of |X|^2 over the *whole*
    spectrum. How often does each stored column stand there? And with a mean of a million, E[x^2] - mean^2 is the
    difference of two numbers with twelve equal digits: take the mean off before squaring.""")  # fmt: skip
def check_19(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for grid in ((4, 4), (3, 5), (4, 5), (1, 2), (8, 8)):
        for offset in (0.0, 3.0, 1e6):
            x = normal(rng, *grid, 3, 2) + offset
            mean, variance = mine.moments(np.fft.rfft2(x, axes=(0, 1), norm="ortho"), grid)
            where = f"of maps on the grid {grid} with a mean near {offset:g}"
            same(f"the mean {where}", mean, x.mean(axis=(0, 1, 2)))
            same(f"the variance {where}", variance, x.var(axis=(0, 1, 2)), 1e-7)
    return "mean and variance are those of the maps, on odd and even grids, and with a large mean too"


@exercise(20, "spectral_batch_norm", chapter=7, stars=4, minutes=35, hint="""
    First Y' = Y less its mean, then Z = Y' / s. Differentiate s^2 = sum m |Y'|^2 / (N P W) + eps: that is where m
    comes from. Then go back through the mean, which is a real number made of real parts only, and enters bin (0, 0)
    only.""")  # fmt: skip
def check_20(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for grid, batch, channels in (((3, 4), 2, 2), ((2, 3), 3, 1)):
        Y = normal(rng, grid[0], grid[1] // 2 + 1, batch, channels, complex=True)
        check_op(mine.Normalise, {"Y": Y}, lambda Y, grid=grid: _normalised_spectrum(Y, grid), grid=grid)
    sizes = ((8, 8), (7, 9))
    worst = max(
        check_gradcheck(mine.Normalise, normal(rng, P, W // 2 + 1, 4, 3, complex=True), grid=(P, W)) for P, W in sizes
    )
    return f"gY agrees with finite differences on odd and even grids (gradcheck: {worst:.0e})"


def _normalised_spectrum(Y: Any, grid: tuple[int, int]) -> Any:
    """One channel and one image after the other."""
    P, W = grid
    Z = np.empty_like(Y)
    for c in range(Y.shape[3]):
        images = [Y[:, :, n, c].copy() for n in range(Y.shape[2])]
        mean = sum(image[0, 0].real for image in images) / len(images)
        energy = 0.0
        for image in images:
            image[0, 0] -= mean
            energy += sum((1 if 2 * q in (0, W) else 2) * np.sum(abs(image[:, q]) ** 2) for q in range(Y.shape[1]))
        for n, image in enumerate(images):
            Z[:, :, n, c] = image / np.sqrt(energy / (len(images) * P * W) + 1e-5)
    return Z
