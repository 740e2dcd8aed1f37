"""Chapter 2, gradients of complex numbers: exercises 4 to 6."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import filled, same
from specframe.exercises.differences import check_gradcheck, check_op, normal, slopes


@exercise(4, "by_hand", chapter=2, stars=1, minutes=10, hint="""
    |y|^2 = Re^2 + Im^2 has the slopes 2 Re and 2 Im, so its gradient is 2 y; that of Re y is the real number 1. The way
    back through A is A^H: transpose, and conjugate every entry.""")  # fmt: skip
def check_4(mine: Any) -> str:
    A, z = np.array([[1, 2j], [1 - 1j, 3]]), np.array([2 + 1j, 1])
    y, one = A @ z, np.asarray(1.0)
    of_y, of_z = (
        slopes(lambda y: np.asarray(abs(y[0]) ** 2 + y[1].real), [y], 0, one),
        slopes(lambda z: np.asarray(abs((A @ z)[0]) ** 2 + (A @ z)[1].real), [z], 0, one),
    )
    for name, want in (("g_y", of_y), ("g_z", of_z), ("h_z", of_z.conj())):
        same(name, np.asarray(filled(mine, name)), want, 1e-6)
    return "four finite differences, one for each part of z, say the same"


@exercise(5, "gain", chapter=2, stars=1, minutes=10, hint="""
    Fix two of the three factors: in the third, y is linear. Its matrix is the product of the other two, and the rule is
    the adjoint: the conjugate of that. A real number gets the real part.""")  # fmt: skip
def check_5(mine: Any) -> str:
    rng = np.random.default_rng(0)

    def inputs(rows: int, cols: int) -> dict[str, Any]:
        complex_ = {"z": normal(rng, rows, cols, complex=True), "w": normal(rng, cols, complex=True)}
        return complex_ | {"k": normal(rng, cols)}

    for rows, cols in ((4, 3), (1, 2), (5, 1)):
        check_op(mine.Gain, inputs(rows, cols), lambda z, w, k: k * w * z)
    worst = check_gradcheck(mine.Gain, *inputs(20, 10).values())
    return f"gz, gw and gk agree with finite differences (gradcheck: {worst:.0e})"


@exercise(6, "phase", chapter=2, stars=3, minutes=20, hint="""
    Write z = r u with r = |z| and u = z / |z|. What does dz do to r? Chapter 2 has dr = Re(conj(u) dz). Then
    differentiate u = z / r, and bring Re<g, du> into the form Re<something, dz>.""")  # fmt: skip
def check_6(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for shape in ((6,), (3, 4)):
        check_op(mine.Phase, {"z": normal(rng, *shape, complex=True)}, lambda z: z / abs(z))
    z = normal(rng, 20, 30, complex=True)
    worst = check_gradcheck(mine.Phase, z + 0.5 * z / abs(z))
    return f"gz agrees with finite differences (gradcheck: {worst:.0e})"
