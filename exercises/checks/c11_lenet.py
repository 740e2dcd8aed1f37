"""Chapter 11, training LeNet: exercise 27."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import same
from specframe.exercises.differences import check_gradcheck, check_op, normal
from specframe.tape import Tape, apply
from specframe.tensor import Tensor


@exercise(27, "cross_entropy", chapter=11, stars=2, minutes=20, hint="""
    p does not change if the same number is taken off all logits of a row: take off the largest. The loss is a mean over
    the batch, and what arrives is a gradient gL too, which need not be 1.""")  # fmt: skip
def check_27(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for batch, classes in ((4, 3), (1, 2), (7, 5)):
        labels = rng.integers(classes, size=batch)
        check_op(mine.CrossEntropy, {"x": normal(rng, batch, classes)},
                 lambda x, labels=labels: _loss(x, labels), labels=labels)  # fmt: skip
    far, labels = np.array([[1000.0, 0, -1000], [-1e4, -1e4, -1e4]]), np.array([1, 2])
    x = Tensor(far, requires_grad=True)
    with Tape() as tape:
        loss = apply(mine.CrossEntropy, x, labels=labels)
    tape.backward(loss)
    same("the loss of the logits 1000 0 -1000 and -10000 -10000 -10000", loss.data, np.asarray((1000 + np.log(3)) / 2))
    right = np.array([[1, -1, 0], [1 / 3, 1 / 3, -2 / 3]]) / 2
    same("gx of the logits 1000 0 -1000 and -10000 -10000 -10000", x.grad, right)
    worst = check_gradcheck(mine.CrossEntropy, normal(rng, 50, 10), labels=rng.integers(10, size=50))
    return f"gx agrees with finite differences, and no logit is too large (gradcheck: {worst:.0e})"


def _loss(x: Any, labels: Any) -> Any:
    """One row after the other."""
    rows = [np.log(np.sum(np.exp(row))) - row[label] for row, label in zip(x, labels, strict=True)]
    return np.asarray(sum(rows) / len(rows))
