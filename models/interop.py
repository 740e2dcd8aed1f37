"""PyTorch in and out: sf.interop.to_torch(net) and sf.interop.from_torch(state_dict, net)."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from specframe.layers import Module

if TYPE_CHECKING:
    import torch

M = TypeVar("M", bound=Module)


def to_torch(net: Module) -> "torch.nn.Module":
    """The PyTorch module that computes what a net computes.

    Beta, scale, grid and all other settings are taken from the net, parameters and buffers are copied; the mode,
    training or evaluation, is the net's too. The module is on the CPU and takes images (batch, channels, rows, cols).

    Parameters
    ----------
    net : one of specframe.models, or a Sequential of layers of maps and of features
        Inside a Sequential, of the spectral layers only SpectralBlock: others take a spectrum, which knows its grid.

    Returns
    -------
    torch.nn.Module
        Its state_dict() has the names of the net's.

    Raises
    ------
    ModuleNotFoundError
        PyTorch is not installed.
    TypeError
        A module of another kind is inside.

    A net and its twin in PyTorch:

        model = SpecLeNet5(beta=0.5)
        twin = sf.interop.to_torch(model)
        twin(torch.from_numpy(x.transpose(2, 3, 0, 1)))    # the logits of model(x), x (rows, cols, batch, channels)
    """
    if not isinstance(net, Module):
        raise TypeError(f"to_torch: expected a Module of specframe's, got {type(net).__name__}")
    return _modules().convert(net, {})


def from_torch(state_dict: Mapping[str, Any], net: M) -> M:
    """Put the state of a PyTorch module into a net; returns the net, which stays on its device.

    Parameters
    ----------
    state_dict : dict of PyTorch tensors (or arrays) by the names of `net.state_dict()`, from any device
        The counters that PyTorch's own batch normalisation keeps ("num_batches_tracked") are left out.
    net : Module

    Raises
    ------
    TypeError
        `state_dict` is no dict.
    ValueError
        A name is missing or unknown, or a shape differs: nothing is loaded then.

    >>> from specframe.models import LeNet5
    >>> state = LeNet5(seed=1).state_dict()
    >>> net = from_torch(state, LeNet5())
    >>> bool((net.fc3.weight == state["fc3.weight"]).all())
    True
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"from_torch: expected the state_dict() of a module, got {type(state_dict).__name__}")
    kept = {name: value for name, value in state_dict.items() if not name.endswith("num_batches_tracked")}
    net.load_state_dict({name: _array(value) for name, value in kept.items()})
    return net


def _array(value: Any) -> Any:
    """A PyTorch tensor as an array of NumPy's, which has no bfloat16; anything else as it is."""
    if not hasattr(value, "detach"):
        return value
    value = value.detach().cpu()
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()


def _modules() -> Any:
    """specframe.models.torch_modules, imported when it is needed.

    Raises
    ------
    ModuleNotFoundError
        Without PyTorch.
    """
    try:
        importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "to_torch needs PyTorch, which is not installed: pip install 'specframe[oracle]'"
        ) from error
    return importlib.import_module("specframe.models.torch_modules")
