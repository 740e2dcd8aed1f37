"""Chapter 1, the tape: exercises 1 to 3."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import Wrong, same
from specframe.exercises.differences import check_gradcheck, check_op, normal, saved_bytes
from specframe.tape import Tape, apply
from specframe.tensor import Tensor


def _value(data: float) -> Any:
    return SimpleNamespace(data=np.asarray(data), grad=np.zeros(np.shape(data)))


@exercise(1, "used_twice", chapter=1, stars=1, minutes=5, hint="""
    A value that is used twice receives two contributions. Follow b in c = b + b: what is b.grad after the first of the
    two, and after the second?""")  # fmt: skip
def check_1(mine: Any) -> str:
    a, b, c = _value(1.0), _value(2.0), _value(4.0)
    tape = [(b, (a, a), lambda g: (g, g)), (c, (b, b), lambda g: (g, g))]
    mine.backward(tape, c)
    same("a.grad, where b = a + a and c = b + b,", a.grad, np.asarray(4.0))
    same("b.grad, where b = a + a and c = b + b,", b.grad, np.asarray(2.0))
    if tape:
        raise Wrong(f"the tape still holds {len(tape)} records after the walk: what they keep is never freed")
    x, y = _value(3.0), _value(5.0)
    square, product, total = _value(9.0), _value(15.0), _value(24.0)
    tape = [
        (square, (x, x), lambda g: (3.0 * g, 3.0 * g)),
        (product, (x, y), lambda g: (5.0 * g, 3.0 * g)),
        (total, (square, product), lambda g: (g, g)),
    ]
    mine.backward(tape, total)
    same("x.grad, where the loss is x * x + x * y at x = 3, y = 5,", x.grad, np.asarray(11.0))
    same("y.grad, where the loss is x * x + x * y at x = 3, y = 5,", y.grad, np.asarray(3.0))
    return "values that are used twice get both contributions, and the tape is empty afterwards"


@exercise(2, "a_row_for_all", chapter=1, stars=1, minutes=10, hint="""
    b[j] stands in y[0, j], y[1, j], ... at once. Move it by a little: all of these move. How much does the loss
    move, in terms of g[0, j], g[1, j], ...?""")  # fmt: skip
def check_2(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for rows, cols in ((4, 3), (1, 5), (6, 1)):
        inputs = {"x": normal(rng, rows, cols), "b": normal(rng, cols)}
        check_op(mine.AddRow, inputs, lambda x, b: x + b)
    worst = check_gradcheck(mine.AddRow, normal(rng, 50, 40), normal(rng, 40))
    return f"gx and gb agree with finite differences on four sizes (gradcheck: {worst:.0e})"


@exercise(3, "softplus", chapter=1, stars=2, minutes=15, hint="""
    The derivative of log(1 + e^x) is 1 / (1 + e^-x), but x is gone: only y is there. Solve y = log(1 + e^x) for e^x,
    and put it in. For very negative x, y is tiny: which function of NumPy computes e^t - 1 for tiny t without
    loss?""")  # fmt: skip
def check_3(mine: Any) -> str:
    rng = np.random.default_rng(0)
    check_op(mine.Softplus, {"x": normal(rng, 5, 4)}, lambda x: np.log1p(np.exp(x)))
    worst = check_gradcheck(mine.Softplus, 3 * normal(rng, 30, 20))
    far = np.array([-500.0, -40.0, -20.0, 0.0, 20.0, 800.0])
    x = Tensor(far, requires_grad=True)
    with Tape() as tape:
        y = apply(mine.Softplus, x)
    if (kept := saved_bytes(mine.Softplus, normal(rng, 4, 6))) > 4 * 6 * 8:
        raise Wrong(f"{kept} bytes are saved of 24 entries, and the output alone has 192")
    tape.backward(y, np.ones(6))
    right = np.array([np.exp(-500.0), np.exp(-40.0), 1 / (1 + np.exp(20.0)), 0.5, 1 / (1 + np.exp(-20.0)), 1.0])
    same("gx / (1 / (1 + e^-x)), at x = -500, -40, -20, 0, 20 and 800,", x.grad / right, np.ones(6))
    return f"it agrees with finite differences (gradcheck: {worst:.0e}), from y alone, and to all digits far from zero"
