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


class TrainingError(RuntimeError):
    """Training cannot go on; one sentence says where it broke."""


def train_step(
    model: Module, optimizer: Optimizer, x: Any, y: Any, store: Any = "auto", recompute: Any = None, seed: Any = None
) -> Tensor:
    """Forward, backward, update on one batch; returns the loss as a Tensor. `store`, `recompute`, `seed` as in Tape.

    From the first step on, the process keeps freed memory for the next one (training/allocator.py).

    Raises
    ------
    TrainingError
        The loss is not a finite number (on a GPU, reading it would make the host wait: there the loop looks later).
    """
    keep_freed_memory()
    with Tape(store=store, recompute=recompute, seed=seed) as tape:
        loss: Tensor = ops.softmax_cross_entropy(model(Tensor(x)), y)
    if not loss.backend.reading_waits and not math.isfinite(loss.item()):
        raise TrainingError(explanation(model, x, loss.item()))
    optimizer.zero_grad()
    tape.backward(loss)
    optimizer.step()
    return loss


def explanation(model: Module, x: Any, loss: float) -> str:
    """The sentence of a loss that is not finite; x is a batch on which to look for the place."""
    place = first_bad_layer(model, x)
    where = f", first in {place}" if place else ""
    return f"the loss became {loss}{where}: try a smaller learning rate"
