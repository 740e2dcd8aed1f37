"""Dropout: entries that are zeroed at random."""

from typing import Any

import numpy as np

from specframe import backend, ops, random
from specframe.layers.checks import between, whole
from specframe.layers.module import Module
from specframe.tensor import Tensor


class Dropout(Module):
    """In training, zero each entry with probability p and scale the others by 1 / (1 - p).

    Every forward draws anew, from (seed, number of draws so far), for the whole batch, also where it comes in parts.
    These two are the state, so a resumed run draws what the unbroken one would have. A copy, by copy, deepcopy or
    pickle, is a layer of its own: it takes a new seed.

    Parameters
    ----------
    p : float in [0, 1]
    seed : int from 0 to 2^63 - 1, or None, which draws one (specframe/random.py)

    Raises
    ------
    ValueError
        p or seed out of range.
    """

    buffer_names = ("key",)

    def __init__(self, p: float = 0.5, seed: int | None = None) -> None:
        between(self, 0, 1, p=p)
        if seed is not None:
            whole(self, 0, seed=seed)
            between(self, 0, 2**63 - 1, seed=seed)
        self.p = p
        self.key = np.array([random.next_seed() if seed is None else seed, 0], np.int64)

    def forward(self, x: Tensor) -> Tensor:
        return ops.dropout(x, self.p, self._draw) if self.training else x

    def _draw(self) -> tuple[int, int]:
        """The key of this forward; counts it."""
        seed, draws = (int(number) for number in backend.to_host(self.key))
        self._set_key(seed, draws + 1)
        return seed, draws

    def _set_key(self, seed: int, draws: int) -> None:
        self.key = backend.of("Dropout", self.key).asarray(np.array([seed, draws], np.int64))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._set_key(random.next_seed(), 0)
