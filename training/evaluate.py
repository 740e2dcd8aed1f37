"""Using a trained net: loss and accuracy on a data set, classes of images, and what one step costs."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from specframe import backend, ops
from specframe.layers import Module
from specframe.tape import Tape
from specframe.tensor import Tensor
from specframe.training.parallel.team import ALONE, Team

if TYPE_CHECKING:
    from specframe.data import DataLoader


@contextlib.contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode everywhere; afterwards each part has the mode it had: one that was frozen by eval() stays so."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def buffers_kept(model: Module) -> Iterator[None]:
    """Afterwards the buffers are as before: inside, copies stand in for them."""
    buffers = [(module, name, getattr(module, name)) for _, module, name in model.buffer_places()]
    for module, name, array in buffers:
        setattr(module, name, array.copy())
    try:
        yield
    finally:
        for module, name, array in buffers:
            setattr(module, name, array)


def evaluate(model: Module, loader: "DataLoader", team: Team = ALONE) -> tuple[float, float]:
    """(mean loss, accuracy 0 to 1) of a net over one pass of a DataLoader, in evaluation mode.

    With a team, the loader gives this rank's part of the batches, and the figures are those of all.
    """
    loss, right, seen = 0.0, 0.0, 0.0
    with evaluating(model):
        for x, y in loader.epoch(0):
            if not len(y):
                continue
            logits = model(Tensor(x))
            loss += ops.softmax_cross_entropy(logits, y).item() * len(y)
            right += int((logits.data.argmax(axis=1) == y).sum())
            seen += len(y)
    loss, right, seen = team.sum(loss, right, seen)
    return loss / seen, right / seen


def predict(model: Module, images: Any, batch_size: int = 256) -> npt.NDArray[np.int64]:
    """Classes of images.

    Parameters
    ----------
    model : Module
    images : array (batch, channels, rows, cols), as data sets hold them
    batch_size : int, images at a time

    Returns
    -------
    NumPy array (batch,) of class numbers

    Raises
    ------
    ValueError
        `images` has not four axes.
    """
    images = backend.to_host(images)
    if images.ndim != 4:
        raise ValueError(f"predict: expected images (batch, channels, rows, cols), got {images.shape}")
    b, parameters = backend.get(model.device), model.parameters()
    dtype = parameters[0].dtype if parameters else np.float32
    classes = [np.zeros(0, np.int64)]
    with evaluating(model):
        for start in range(0, len(images), batch_size):
            batch = np.ascontiguousarray(images[start : start + batch_size].transpose(2, 3, 0, 1), dtype)
            classes.append(model(Tensor(b.asarray(batch))).numpy().argmax(axis=1))
    return np.concatenate(classes)


def step_cost(model: Module, x: Any, y: Any, store: Any = "auto", recompute: Any = None) -> tuple[Any, int]:
    """What one training step on a batch keeps and needs: (ledger, peak bytes above what lived before).

    Runs a forward and a backward and puts everything back: gradients, buffers. Slower than a normal step, since
    memory is traced: not for timing.
    """
    parameters = model.parameters()
    gradients = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    try:
        with buffers_kept(model), backend.of("step_cost", x).peak_memory() as peak:
            with Tape(store=store, recompute=recompute, seed=0) as tape:
                loss = ops.softmax_cross_entropy(model(Tensor(x)), y)
            tape.backward(loss)
    finally:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
    return tape.ledger, peak.nbytes
