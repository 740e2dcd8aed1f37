"""Chapter 13, memory: exercise 29."""

import functools
import weakref
from typing import Any

import numpy as np

from specframe import ops
from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import Wrong, same
from specframe.exercises.differences import normal
from specframe.tape import Tape
from specframe.tensor import Tensor


class _Watched:
    """Layers that count how often they run, and how many of their results are alive."""

    def __init__(self, n: int) -> None:
        self.runs, self.alive, self.most = 0, 0, 0
        self.layers = [functools.partial(self.layer, 1 + i / n) for i in range(n)]

    def layer(self, scale: float, x: Tensor) -> Tensor:
        return self.watch(ops.tanh(x * scale))

    def watch(self, y: Tensor) -> Tensor:
        self.runs, self.alive = self.runs + 1, self.alive + 1
        self.most = max(self.most, self.alive)
        weakref.finalize(y.data, self.died)
        return y

    def died(self) -> None:
        self.alive -= 1


@exercise(29, "recompute", chapter=13, stars=3, minutes=30, hint="""
    Without a tape nothing is kept. So run forward without one, and remember the input of each part only. Then take
    the parts from the last to the first: run the part again from its input, this time under a tape of its own, and
    walk back. What comes out is the cotangent for the part before.""")  # fmt: skip
def check_29(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for n, parts in ((16, 4), (12, 3), (7, 3), (5, 1), (25, 5)):
        x, g = normal(rng, 3, 4), normal(rng, 3, 4)
        leaf = Tensor(x, requires_grad=True)
        with Tape() as tape:
            y = leaf
            for layer in _Watched(n).layers:
                y = layer(y)
        tape.backward(y, g)
        watched = _Watched(n)
        same(f"gx of {n} layers in {parts} parts", mine.gradient(watched.layers, Tensor(x), g, parts), leaf.grad)
        allowed = parts + -(-n // parts) + 1
        if watched.most > allowed:
            raise Wrong(
                f"with {n} layers in {parts} parts, {watched.most} maps are alive at once, "
                f"and {parts} + {-(-n // parts)} + 1 = {allowed} are enough"
            )
        if watched.runs > 2 * n:
            raise Wrong(f"with {n} layers in {parts} parts, layers run {watched.runs} times, and {2 * n} are enough")
    return "gx is exact, with two runs a layer and about parts + layers / parts maps at once"
