"""One step of training: forward, backward, update."""

import math
from typing import Any

from specframe import ops
from specframe.layers import Module
from specframe.optim import Optimizer
from specframe.tape import Tape
from specframe.tensor import Tensor
from specframe.training.allocator import keep_freed_memory
from specframe.training.diagnose import first_bad_layer
from specframe.training.parallel.team import ALONE, Team


class TrainingError(RuntimeError):
    """Training cannot go on; one sentence says where it broke."""


def train_step(
    model: Module, optimizer: Optimizer, x: Any, y: Any, store: Any = "auto", recompute: Any = None, seed: Any = None,
    team: Team = ALONE, stop: bool = False,
) -> Tensor:  # fmt: skip
    """Forward, backward, update on one batch; returns the loss as a Tensor. `store`, `recompute`, `seed` as in Tape.

    With a team, x and y are this rank's part of the batch; the loss and the update are those of the whole one.
    `stop` is for Team.batch.

    From the first step on, the process keeps freed memory for the next one (training/allocator.py).

    Raises
    ------
    TrainingError
        The loss is not a finite number (on a GPU, reading it would make the host wait: there the loop looks later).
    """
    keep_freed_memory()
    seed = seed if seed is None else team.seed(seed)
    with team.batch(len(y), stop), Tape(store=store, recompute=recompute, seed=seed) as tape:
        loss: Tensor = ops.softmax_cross_entropy(model(Tensor(x)), y)
    optimizer.zero_grad()
    loss = team.backward(tape, loss)
    if not loss.backend.reading_waits and not math.isfinite(loss.item()):
        raise TrainingError(explanation(model, x, loss.item()))
    optimizer.step()
    return loss


def explanation(model: Module, x: Any, loss: float) -> str:
    """The sentence of a loss that is not finite; x is a batch on which to look for the place."""
    place = first_bad_layer(model, x) if x.size else None  # a rank may have no image of a small batch
    where = f", first in {place}" if place else ""
    return f"the loss became {loss}{where}: try a smaller learning rate"
