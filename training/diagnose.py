"""Where did a number stop being finite? The first layer whose output, or whose weight, holds NaN or infinity."""

from specframe import backend
from specframe.layers import Module
from specframe.tensor import Tensor


def first_bad_layer(model, x):
    """A phrase that names the first place, or None when all is finite.

    Runs a forward without a tape, layer by layer in the order in which they finish: the innermost one is named.
    """
    if not _finite(x):
        return "the input"
    for name, parameter in model.named_parameters():
        if not _finite(parameter.data):
            return f"the parameter {name}"
    found, names = [], {id(module): name for name, module in model.modules()}

    def look(module, result):
        if not found and isinstance(result, Tensor) and not _finite(result.data):
            found.append(f"the output of {names.get(id(module)) or type(module).__name__} ({type(module).__name__})")

    with Module.observed(look):
        model(Tensor(x))
    return found[0] if found else None


def _finite(array):
    return bool(backend.of("first_bad_layer", array).xp.isfinite(array).all())
