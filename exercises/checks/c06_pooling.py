"""Chapter 6, pooling: exercises 16 and 17."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import Wrong, same
from specframe.exercises.differences import check_gradcheck, check_op, normal, saved_bytes
from specframe.tape import Tape, apply
from specframe.tensor import Tensor


def _largest(x: Any) -> Any:
    return np.maximum(np.maximum(x[::2, ::2], x[::2, 1::2]), np.maximum(x[1::2, ::2], x[1::2, 1::2]))


@exercise(16, "max_pool", chapter=6, stars=2, minutes=20, hint="""
    A window has four entries, so who won is a number from 0 to 3: two bits. np.argmax gives the first of equals. In the
    backward, entry i of each window gets g where the winner is i.""")  # fmt: skip
def check_16(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for shape in ((4, 6, 1, 2), (2, 2, 3, 1)):
        check_op(mine.MaxPool, {"x": normal(rng, *shape)}, _largest)
    flat = Tensor(np.array([[1.0, 1.0, 0.0, 7.0], [1.0, 1.0, 7.0, 7.0]]).reshape(2, 4, 1, 1), requires_grad=True)
    with Tape() as tape:
        y = apply(mine.MaxPool, flat)
    tape.backward(y, np.array([5.0, 3.0]).reshape(1, 2, 1, 1))
    right = np.array([[5.0, 0, 0, 3], [0, 0, 0, 0]]).reshape(2, 4, 1, 1)
    same("gx of the windows 1 1 1 1 and 0 7 7 7, where the first of equals gets it all,", flat.grad, right)
    if (kept := saved_bytes(mine.MaxPool, normal(rng, 8, 8, 4, 2))) > 2 * 128 // 8:
        raise Wrong(f"{kept} bytes are saved for 128 windows, and two bits a window are 32")
    worst = check_gradcheck(mine.MaxPool, normal(rng, 20, 20, 2, 2))
    return f"one entry of each window gets the gradient, from two bits a window (gradcheck: {worst:.0e})"


@exercise(17, "spectral_pool", chapter=6, stars=4, minutes=35, hint="""
    Three linear steps: rfft2, keep the low frequencies, irfft2. Write down the adjoint of each (chapter 3), last one
    first. Two of them have column weights. Which columns are left, and what are their weights on either
    grid?""")  # fmt: skip
def check_17(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for grid, size in (((4, 6), (3, 3)), ((5, 5), (3, 1)), ((3, 4), (1, 3)), ((3, 3), (3, 3))):
        x = normal(rng, *grid, 1, 2)
        check_op(mine.SpectralPool, {"x": x}, lambda x, size=size: _low_frequencies(x, size), size=size)
    grids = ((16, 16), (15, 17))
    worst = max(check_gradcheck(mine.SpectralPool, normal(rng, *grid, 2, 3), size=(7, 9)) for grid in grids)
    return f"gx agrees with finite differences on odd and even grids (gradcheck: {worst:.0e})"


def _low_frequencies(x: Any, size: tuple[int, int]) -> Any:
    """Spectral pooling as two real matrices, one for the rows and one for the columns."""

    def matrix(few: int, many: int) -> Any:
        p = np.arange(-(few // 2), few // 2 + 1)
        there, back = np.outer(p, np.arange(many)) / many, np.outer(np.arange(few), p) / few
        return (np.exp(2j * np.pi * back) @ np.exp(-2j * np.pi * there)).real / np.sqrt(few * many)

    return np.einsum("ir,js,rsnc->ijnc", matrix(size[0], x.shape[0]), matrix(size[1], x.shape[1]), x)
