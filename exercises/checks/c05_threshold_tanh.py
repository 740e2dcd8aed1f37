"""Chapter 5, threshold and split tanh: exercises 13 to 15."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import Wrong, same
from specframe.exercises.differences import check_gradcheck, check_op, normal, saved_bytes
from specframe.tape import Tape, apply
from specframe.tensor import Tensor


@exercise(13, "threshold", chapter=5, stars=1, minutes=10, hint="""
    Line 16 of Algorithm 1 keeps |Y| > beta. Away from the circle |Y| = beta the op multiplies each entry by 1 or by
    0. By what does its adjoint multiply it, and what has the size of g to do with that?""")  # fmt: skip
def check_13(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for shape, beta in (((4, 3, 2, 1), 0.9), ((3, 2, 1, 2), 0.0)):
        Y = normal(rng, *shape, complex=True)
        check_op(mine.Threshold, {"Y": Y}, lambda Y, beta=beta: np.where(abs(Y) > beta, Y, 0), beta=beta)
    edge = Tensor(np.array([3 + 4j, 5, -5j, 4 + 4j]), requires_grad=True)
    with Tape() as tape:
        y = apply(mine.Threshold, edge, beta=5.0)
    if (kept := saved_bytes(mine.Threshold, normal(rng, 4, 6, complex=True), beta=0.5)) > 3:
        raise Wrong(f"{kept} bytes are saved for 24 entries, and one bit an entry is enough")
    tape.backward(y, np.full(4, 9 + 9j))
    same("the result at |Y| = beta, beta, beta and more,", y.data, np.array([0, 0, 0, 4 + 4j]))
    same("the gradient at |Y| = beta, beta, beta and more,", edge.grad, np.array([0, 0, 0, 9 + 9j]))
    worst = check_gradcheck(mine.Threshold, normal(rng, 20, 20, complex=True), beta=0.5)
    return f"an entry of modulus beta is dropped in both directions, the rest agrees (gradcheck: {worst:.0e})"


@exercise(14, "shrink", chapter=5, stars=4, minutes=30, hint="""
    Write Y = r u with |u| = 1, so that y = (r - beta) u = Y - beta u. Exercise 6 says what dY does to u. Collect the
    terms with g: two remain, g times a number, and u times the real part of conj(u) g. At last put r = |y| + beta and
    u = y / |y|, and mind the entries where y is 0.""")  # fmt: skip
def check_14(mine: Any) -> str:
    rng = np.random.default_rng(0)

    def shrunk(Y: Any, beta: float) -> Any:
        r = abs(Y)
        return np.maximum(r - beta, 0) * np.exp(1j * np.angle(Y))

    for shape, beta in (((4, 3, 2, 1), 0.7), ((2, 2, 2, 2), 0.0), ((5,), 1.5)):
        check_op(mine.Shrink, {"Y": normal(rng, *shape, complex=True)}, lambda Y, b=beta: shrunk(Y, b), beta=beta)
    Y = Tensor(np.array([0, 1, 2j, 3 + 4j]), requires_grad=True)
    with Tape() as tape:
        y = apply(mine.Shrink, Y, beta=2.0)
    if (kept := saved_bytes(mine.Shrink, Y.data[None], beta=2.0)) > 16 + 2:  # two bytes say where it is
        raise Wrong(f"{kept} bytes are saved, and the one entry that is not zero has 16: save y alone")
    tape.backward(y, np.ones(4, complex))
    right = np.array([0, 0, 0, 0.6 + 0.4 * 0.6 * (0.6 + 0.8j)])
    same("gY at Y = 0, 1, 2i and 3 + 4i, with beta = 2 and g = 1,", Y.grad, right)
    worst = check_gradcheck(mine.Shrink, normal(rng, 20, 20, complex=True), beta=0.5)
    return f"gY agrees with finite differences, from y alone, zeros included (gradcheck: {worst:.0e})"


@exercise(15, "split_tanh", chapter=5, stars=2, minutes=15, hint="""
    The real part of Z depends on that of Y only, and the imaginary part on the imaginary one: two real tanh side by
    side. What is the slope of a tanh(x / a), in terms of its value?""")  # fmt: skip
def check_15(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for shape, a in (((3, 2, 2, 1), 1.0), ((2, 3, 1, 2), 2.0), ((4,), 0.3)):
        check_op(mine.SplitTanh, {"Y": normal(rng, *shape, complex=True)},
                 lambda Y, a=a: a * np.tanh(Y.real / a) + 1j * a * np.tanh(Y.imag / a), a=a)  # fmt: skip
    worst = check_gradcheck(mine.SplitTanh, normal(rng, 20, 20, complex=True), a=2.0)
    return f"gY agrees with finite differences for three scales (gradcheck: {worst:.0e})"
