"""summary: what a network is made of, layer by layer."""

import itertools
from typing import Any

import numpy as np

from specframe import backend, ops
from specframe.layers import Module
from specframe.tape import Tape
from specframe.tensor import Tensor


def summary(
    model: Module, input_shape: tuple[int, int, int, int], store: Any = "auto", recompute: str | None = None
) -> str:
    """A table of a model: layer, size of its output, parameters, and bytes saved for backward.

    Parameters
    ----------
    model : Module
    input_shape : (batch, channels, rows, cols), as data sets hold images
    store, recompute : as in Tape

    Returns
    -------
    str
        A line for each module that saves, owns or holds no module inside, in the order in which they return, the model
        last. Bytes are what its own forward saved, without those inside it, for random normal images: real ones may be
        sparser. So both columns of numbers add up to the total.

    >>> from specframe.models import LeNet5
    >>> print(summary(LeNet5(), (1, 1, 28, 28)).splitlines()[-1].split()[:2])
    ['total', '107,786']
    """
    batch, channels, rows, cols = input_shape
    parameters = model.parameters()
    x = np.random.default_rng(0).standard_normal((rows, cols, batch, channels))
    b, dtype = backend.get(model.device), parameters[0].dtype if parameters else np.float32
    names = {id(module): name for name, module in model.named_modules()}
    lines, untold, seen = [("layer", "kind", "output", "parameters", "saved, bytes")], dict[str, int](), 0

    def note(module: Module, result: Any) -> None:
        nonlocal seen
        rows = tape.ledger.rows
        for row in rows[seen:]:
            untold[row.layer] = untold.get(row.layer, 0) + row.nbytes
        seen = len(rows)
        around = {"", *itertools.accumulate(filter(None, tape.saving.layers), "{}.{}".format)}  # what still runs
        inside = [layer for layer in untold if module is model or layer not in around]
        nbytes, parameters = sum(map(untold.pop, inside)), own_parameters(module)
        if nbytes or parameters or module is model or next(module.children(), None) is None:
            shape = "x".join(map(str, result.shape)) if isinstance(result, Tensor) else ""
            kind = type(module).__name__
            lines.append((names.get(id(module), ""), kind, shape, f"{parameters:,}", f"{nbytes:,}"))

    buffers = [(module, name, getattr(module, name).copy()) for _, module, name in model.buffer_places()]
    with Tape(store=store, recompute=recompute) as tape, Module.observed(note):
        ops.sum(model(Tensor(b.asarray(x.astype(dtype)))))
    for module, name, array in buffers:  # batch statistics and draws of dropout are not for a summary to change
        setattr(module, name, array)
    lines.append(("total", "", "", f"{model.num_parameters():,}", f"{tape.ledger.nbytes:,}"))
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    return "\n".join(
        "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )


def own_parameters(module: Module) -> int:
    """Numbers in the parameters of a module that none of the modules inside it has."""
    inside = {id(parameter) for child in module.children() for parameter in child.parameters()}
    return sum(parameter.size for parameter in module.parameters() if id(parameter) not in inside)
