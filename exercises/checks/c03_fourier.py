"""Chapter 3, the adjoints of the transforms: exercises 7 to 9."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.differences import check_gradcheck, check_op, normal


@exercise(7, "fft", chapter=3, stars=1, minutes=10, hint="""
    y = F z with F[p, j] = exp(-2 pi i p j / n). The rule is F^H g. Write out F^H[j, p]: which function of NumPy sums
    with that sign, and which factor does it divide by?""")  # fmt: skip
def check_7(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 8):
        wave = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
        check_op(mine.FFT, {"z": normal(rng, n, 2, complex=True)}, lambda z, wave=wave: wave @ z)
    worst = check_gradcheck(mine.FFT, normal(rng, 64, 6, complex=True))
    return f"gz agrees with finite differences on 1, 2, 5 and 8 points (gradcheck: {worst:.0e})"


@exercise(8, "half_a_spectrum", chapter=3, stars=2, minutes=15, hint="""
    Which stored entries stand for two entries of the whole spectrum? Write down the whole spectrum for n = 5 and for
    n = 6, and mark what is stored. How many entries have no partner?""")  # fmt: skip
def check_8(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for n in (5, 6, 1, 2, 7, 8):
        Z = normal(rng, n // 2 + 1, 2, complex=True)
        check_op(mine.IRFFT, {"Z": Z}, lambda Z, n=n: _real_inverse(Z, n), n=n)
    worst = max(check_gradcheck(mine.IRFFT, normal(rng, n // 2 + 1, 4, complex=True), n=n) for n in (40, 41))
    return f"gZ agrees with finite differences on odd and even lengths (gradcheck: {worst:.0e})"


def _real_inverse(Z: Any, n: int) -> Any:
    """The sum, written out: an entry with a mirror image counts with it."""
    y = np.zeros((n, *Z.shape[1:]))
    for j in range(n):
        for q, z in enumerate(Z):
            y[j] += (1 if 2 * q in (0, n) else 2) * (z * np.exp(2j * np.pi * q * j / n)).real
    return y / np.sqrt(n)


@exercise(9, "padded_rfft2", chapter=3, stars=3, minutes=25, hint="""
    The op is three linear steps: pad with zeros, transform, keep Q columns. The adjoint takes their adjoints in the
    other order: pad the columns with zeros, F^H over the whole grid, crop. And a real x gets the real part. irfft2
    does the sum over the whole grid for you, if you tell it that it will count most columns twice, and undo its
    factor.""")  # fmt: skip
def check_9(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for rows, cols, grid in ((3, 3, (4, 4)), (2, 3, (3, 5)), (4, 3, (4, 3)), (1, 1, (1, 2)), (2, 1, (5, 1))):
        x = normal(rng, rows, cols, 1, 2)
        check_op(mine.PaddedRFFT2, {"x": x}, lambda x, grid=grid: _half_transform(x, grid), grid=grid)
    grids = ((32, 32), (31, 33))
    worst = max(check_gradcheck(mine.PaddedRFFT2, normal(rng, 28, 27, 2, 3), grid=grid) for grid in grids)
    return f"gx agrees with finite differences on odd and even grids (gradcheck: {worst:.0e})"


def _half_transform(x: Any, grid: tuple[int, int]) -> Any:
    """The sum, written out as two products with matrices."""
    (P, W), (rows, cols) = grid, x.shape[:2]
    down = np.exp(-2j * np.pi * np.outer(np.arange(P), np.arange(rows)) / P)
    along = np.exp(-2j * np.pi * np.outer(np.arange(W // 2 + 1), np.arange(cols)) / W)
    return np.einsum("pi,qj,ijnc->pqnc", down, along, x)
