"""Where did a number stop being finite? The first layer whose output, or whose weight, holds NaN or infinity."""

import threading
from typing import Any

from specframe import backend
from specframe.layers import Module
from specframe.tensor import Tensor
from specframe.training.evaluate import buffers_kept

_one_at_a_time = threading.Lock()  # Module.observed is one for all threads


def first_bad_layer(model: Module, x: Any) -> str | None:
    """A phrase that names the first place, or None when all is finite.

    Runs a forward without a tape, layer by layer in the order in which they finish: the innermost one is named. Buffers
    stay as they are. What other threads compute meanwhile, with this net or another, does not count.

    Parameters
    ----------
    model : Module
    x : array, a batch as the model takes it
    """
    if not _finite(x):
        return "the input"
    for name, parameter in model.named_parameters():
        if not _finite(parameter.data):
            return f"the parameter {name}"
    found: list[str] = []
    names, thread = {id(module): name for name, module in model.named_modules()}, threading.get_ident()

    def look(module: Module, result: Any) -> None:
        mine = threading.get_ident() == thread
        if mine and not found and isinstance(result, Tensor) and not _finite(result.data):
            found.append(f"the output of {names.get(id(module)) or type(module).__name__} ({type(module).__name__})")

    with _one_at_a_time, Module.observed(look), buffers_kept(model):
        model(Tensor(x))
    return found[0] if found else None


def _finite(array: Any) -> bool:
    return bool(backend.of("first_bad_layer", array).xp.isfinite(array).all())
