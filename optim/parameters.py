"""What people hand to an optimiser as its parameters, made into a plain list."""

from collections.abc import Iterable, Mapping, Set
from typing import Any, Protocol, TypeAlias

from specframe.layers import Parameter
from specframe.tensor import Tensor


class HasParameters(Protocol):
    """A Module, or anything else that can list its Parameters."""

    def parameters(self) -> Iterable[Tensor]: ...


Params: TypeAlias = HasParameters | Tensor | Iterable[Tensor] | Iterable[tuple[str, Tensor]]
Groups: TypeAlias = Params | Iterable[Mapping[str, Any]]


def as_list(op: str, params: Params) -> list[Tensor]:
    """The Parameters in `params`, in order.

    Parameters
    ----------
    op : str, for messages
    params : Module, Parameter, iterable of Parameters, or of (name, Parameter) pairs as `named_parameters()` gives them

    Raises
    ------
    TypeError
        Something in it is neither a Parameter nor a Tensor that requires a gradient, or it has no order.
    ValueError
        A Parameter is listed twice: it would be updated twice.
    """
    if isinstance(params, Tensor):
        params = [params]
    elif hasattr(params, "parameters"):
        params = params.parameters()
    if not isinstance(params, Iterable) or isinstance(params, Set | Mapping):
        raise TypeError(f"{op}: expected a Module or a list of Parameters, got {_kind(params)}")
    names: dict[int, str] = {}
    found = []
    for i, item in enumerate(params):
        name, parameter = item if isinstance(item, tuple) and len(item) == 2 else (f"number {i}", item)
        if not isinstance(parameter, Parameter) and not (isinstance(parameter, Tensor) and parameter.requires_grad):
            raise TypeError(f"{op}: expected Parameters, got {_kind(parameter)} ({name})")
        if id(parameter) in names:
            raise ValueError(f"{op}: one Parameter is given twice, as {names[id(parameter)]} and as {name}")
        names[id(parameter)] = name
        found.append(parameter)
    return found


def _kind(value: object) -> str:
    return "a Tensor that requires no gradient" if isinstance(value, Tensor) else f"a {type(value).__name__}"
