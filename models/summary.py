"""summary: what a network is made of, layer by layer."""

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
        One line for each module that has no module inside, in the order in which they run. Bytes are what the tape's
        store holds when the layer returns and did not hold before, for random normal images: real ones may be sparser.

    >>> from specframe.models import LeNet5
    >>> print(summary(LeNet5(), (1, 1, 28, 28)).splitlines()[-1].split()[:2])
    ['total', '107,786']
    """
    batch, channels, rows, cols = input_shape
    parameters = model.parameters()
    x = np.random.default_rng(0).standard_normal((rows, cols, batch, channels))
    b, dtype = backend.get(model.device), parameters[0].dtype if parameters else np.float32
    names = {id(module): name for name, module in model.named_modules()}
    lines, held = [("layer", "kind", "output", "parameters", "saved, bytes")], 0

    def note(module: Module, result: Any) -> None:
        nonlocal held
        if next(module.children(), None) is None and isinstance(result, Tensor):
            now = tape.ledger.nbytes
            name, shape = names.get(id(module), ""), "x".join(map(str, result.shape))
            lines.append((name, type(module).__name__, shape, f"{module.num_parameters():,}", f"{now - held:,}"))
            held = now

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
