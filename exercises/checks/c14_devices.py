"""Chapter 14, devices and machines: exercise 30."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import same
from specframe.exercises.differences import normal


@exercise(30, "a_batch_among_machines", chapter=14, stars=3, minutes=20, hint="""
    A mean over the whole batch is a weighted mean of the parts' means. For the energy: within a part, move from the
    part's mean to the common one: sum (x - mean)^2 = sum (x - m)^2 + n (m - mean)^2. Nothing there
    cancels.""")  # fmt: skip
def check_30(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for sizes, offset in (((5, 5), 0.0), ((7, 2, 1), 3.0), ((4, 0, 9), -1.0), ((300, 200), 1e8), ((6,), 2.0)):
        x = normal(rng, sum(sizes), 3) + offset
        pieces = np.split(x, np.cumsum(sizes)[:-1])
        about = f"of parts of {', '.join(map(str, sizes))} examples with a mean near {offset:g}"
        losses = [(len(p), np.sin(p).mean(axis=0) if len(p) else np.zeros(3)) for p in pieces]
        same(f"the gradient {about}", mine.whole_gradient(losses), np.sin(x).mean(axis=0))
        moments = [_moments(p) for p in pieces]
        n, mean, energy = mine.together(moments)
        same(f"the number {about}", np.asarray(n), np.asarray(len(x)))
        same(f"the mean {about}", mean, x.mean(axis=0))
        same(f"the energy {about}", energy, np.sum((x - x.mean(axis=0)) ** 2, axis=0), 1e-6)
    return "gradients, means and energies are those of the whole batch, for unequal and empty parts and a large mean"


def _moments(x: Any) -> tuple[int, Any, Any]:
    if not len(x):
        return 0, np.zeros(3), np.zeros(3)
    return len(x), x.mean(axis=0), np.sum((x - x.mean(axis=0)) ** 2, axis=0)
