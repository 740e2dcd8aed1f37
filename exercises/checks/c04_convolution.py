"""Chapter 4, convolution in the spectrum: exercises 10 to 12."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.differences import check_gradcheck, check_op, normal


@exercise(10, "eq3_as_printed", chapter=4, stars=1, minutes=10, hint="""
    At one frequency and for one image this is y = x K with a row x and a matrix K. Chapter 2: the rule of a product
    is the adjoint of the other factor. Try it with one number each, K = i: where does gX point, and where does L
    grow?""")  # fmt: skip
def check_10(mine: Any) -> str:
    rng = np.random.default_rng(0)

    def inputs(P: int, Q: int, batch: int, c_in: int, c_out: int) -> dict[str, Any]:
        X, K = normal(rng, P, Q, batch, c_in, complex=True), normal(rng, P, Q, c_in, c_out, complex=True)
        return {"X": X, "K": K}

    for sizes in ((2, 2, 3, 2, 1), (1, 2, 1, 3, 2)):
        check_op(mine.SpectralProduct, inputs(*sizes), lambda X, K: np.einsum("pqnc,pqcd->pqnd", X, K))
    worst = check_gradcheck(mine.SpectralProduct, *inputs(6, 4, 5, 3, 4).values())
    return f"gX and gK agree with finite differences (gradcheck: {worst:.0e})"


@exercise(11, "kernel", chapter=4, stars=2, minutes=20, hint="""
    K is linear in k, and its matrix is E. So the rule is E^H, and k is real. Sum over which two axes? And ask yourself
    whether the column weights m belong here: does K = E k know that some columns stand for two?""")  # fmt: skip
def check_11(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for grid, size in (((4, 4), 3), ((3, 5), 2), ((1, 2), 1)):
        check_op(mine.KernelSpectrum, {"k": normal(rng, 2, 1, size, size)},
                 lambda k, grid=grid: _spectrum(k, grid), grid=grid)  # fmt: skip
    grids = ((12, 12), (9, 11))
    worst = max(check_gradcheck(mine.KernelSpectrum, normal(rng, 4, 3, 5, 5), grid=grid) for grid in grids)
    return f"gk agrees with finite differences on odd and even grids (gradcheck: {worst:.0e})"


def _spectrum(k: Any, grid: tuple[int, int]) -> Any:
    """Eq. (2)'s K, one frequency after the other."""
    (P, W), size = grid, k.shape[-1]
    place = np.arange(size) - (size - 1) // 2
    K = np.empty((P, W // 2 + 1, k.shape[1], k.shape[0]), complex)
    for p, q in np.ndindex(K.shape[:2]):
        wave = np.exp(2j * np.pi * (p * place[:, None] / P + q * place / W))
        K[p, q] = np.sum(wave * k, axis=(2, 3)).T
    return K


@exercise(12, "bias", chapter=4, stars=2, minutes=10, hint="""
    b enters the entries Y[0, 0, n, c] of all images n, and no others, with the factor sqrt(P W). Only the real part of
    those moves.""")  # fmt: skip
def check_12(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for grid, batch, channels in (((3, 4), 2, 3), ((2, 3), 1, 1)):
        Y = normal(rng, grid[0], grid[1] // 2 + 1, batch, channels, complex=True)
        inputs = {"Y": Y, "b": normal(rng, channels)}
        check_op(mine.Bias, inputs, lambda Y, b, grid=grid: _with_bias(Y, b, grid), grid=grid)
    big = normal(rng, 8, 5, 4, 3, complex=True), normal(rng, 3)
    return f"gY and gb agree with finite differences (gradcheck: {check_gradcheck(mine.Bias, *big, grid=(8, 9)):.0e})"


def _with_bias(Y: Any, b: Any, grid: tuple[int, int]) -> Any:
    """The bias added in space: to every point of the grid."""
    everywhere = np.ones((*grid, Y.shape[2], 1)) * b
    return Y + np.fft.rfft2(everywhere, axes=(0, 1), norm="ortho")
