"""Chapter 8, the block and what it saves: exercises 21 and 22."""

import functools
from typing import Any

import numpy as np

from specframe import ops
from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import exactly, filled, same
from specframe.exercises.differences import normal, slopes
from specframe.layers import SpectralBlock
from specframe.saving import Ledger
from specframe.tape import Tape
from specframe.tensor import Tensor


@exercise(21, "bytes_of_two_blocks", chapter=8, stars=2, minutes=20, hint="""
    An array costs nothing if the caller holds it (borrowed) or if it can be made again from what is kept (remade). A
    complex64 has 8 bytes, a half spectrum of 28 x 28 points has 28 x 15 entries, and a winner among four is two
    bits.""")  # fmt: skip
def check_21(mine: Any) -> str:
    ledger, again = _ledger(None), _ledger("block")
    rows = [row.nbytes for row in ledger.rows if row.array in ("X", "Z", "winner") or row.shape == (14, 14, 16, 6)]
    names = "X_OF_FIRST Z_OF_FIRST WINNER_OF_FIRST X_OF_SECOND POOLED_MAP Z_OF_SECOND WINNER_OF_SECOND".split()
    wanted = dict(zip(names, rows, strict=True)) | {"TOTAL": ledger.nbytes, "TOTAL_RECOMPUTED": again.nbytes}
    for name, nbytes in wanted.items():
        exactly(name, filled(mine, name), nbytes)
    return f"every row, and both totals.\n\n{ledger}"


def _ledger(recompute: str | None) -> Ledger:
    """What the two blocks of the exercise keep."""
    first, second = SpectralBlock(1, 6, 5, grid="circular", rng=0), SpectralBlock(6, 16, 5, grid="circular", rng=1)
    images = Tensor(normal(np.random.default_rng(0), 28, 28, 16, 1).astype(np.float32))
    with Tape(store="dense", recompute=recompute) as tape:
        ops.max_pool2d(second(ops.max_pool2d(first(images))))
    return tape.ledger


@exercise(22, "the_whole_block", chapter=8, stars=3, minutes=30, hint="""
    One mistake is in the line of gZ: what is the adjoint of irfft2? One is in the mask: an entry whose real part
    alone is zero has passed the threshold. One is in gK: chapter 4. One is in gx. Compare each line with the table of
    chapter 8, from the bottom up.""")  # fmt: skip
def check_22(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for size, grid, c_in, c_out, k in (
        ((3, 3), (4, 4), 1, 2, 2),
        ((3, 2), (3, 5), 2, 1, 3),
        ((9, 8), (11, 10), 2, 3, 3),
    ):
        x, kernel, bias = normal(rng, *size, 2, c_in), normal(rng, c_out, c_in, k, k), 0.1 * normal(rng, c_out)
        beta, a = 0.5, 3.0
        X, Z, y = mine.forward(x, kernel, bias, beta, a, *grid)
        want, g = _block(x, kernel, bias, beta, a, grid), normal(rng, *size, 2, c_out)
        same("y", y, want)
        if size == (9, 8):  # entries that passed, and whose real part alone is zero
            Z.real[rng.random(Z.shape) < 0.3] = 0.0
            right = _gradients(x, kernel, bias, Z, g, a, *grid)
        else:
            block = functools.partial(_block, beta=beta, a=a, grid=grid)
            right = [slopes(block, [x, kernel, bias], i, g) for i in range(3)]
        for name, got, wanted in zip(("gx", "gk", "gb"), mine.backward(g, X, Z, kernel, a, *grid), right, strict=True):
            same(f"{name} on the grid {grid}", got, wanted, 1e-6)
    return "gx, gk and gb agree with finite differences, and with the tape where the real part of Z alone is zero"


def _block(x: Any, kernel: Any, bias: Any, beta: float, a: float, grid: tuple[int, int]) -> Any:
    """The block's forward by specframe's ops."""
    Y = ops.spectral_conv2d(ops.rfft2(Tensor(x), grid), Tensor(kernel), Tensor(bias))
    return ops.irfft2(ops.split_tanh(ops.threshold(Y, beta), a)).data


def _gradients(x: Any, kernel: Any, bias: Any, Z: Any, g: Any, a: float, P: int, W: int) -> list[Any]:
    """gx, gk and gb by the tape, where the activation's output is Z, whatever the convolution says."""
    inside = a * np.arctanh(Z.real / a) + 1j * a * np.arctanh(Z.imag / a)
    Y = Tensor(inside, requires_grad=True)
    with Tape() as tape:
        y = ops.irfft2(ops.split_tanh(ops.threshold(Y, 0.0), a), (P, W), size=x.shape[:2])
    tape.backward(y, g)
    leaves = [Tensor(array, requires_grad=True) for array in (x, kernel, bias)]
    with Tape() as tape:
        convolved = ops.spectral_conv2d(ops.rfft2(leaves[0], (P, W)), *leaves[1:])
    tape.backward(convolved, Y.grad)
    return [leaf.grad for leaf in leaves]
