"""Sequential, ModuleList, ModuleDict: modules in a row, and modules to index."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from typing import Any

from specframe.layers.module import Module


class Function(Module):
    """A plain function of Tensors as a module without parameters."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)


def as_module(owner: object, value: Any) -> Module:
    """A module itself, a function as one.

    Raises
    ------
    TypeError
        A class, or what is neither.
    """
    if isinstance(value, Module):
        return value
    if isinstance(value, type):
        raise TypeError(f"{type(owner).__name__}: got the class {value.__name__}, expected one made of it")
    if not callable(value):
        raise TypeError(f"{type(owner).__name__}: expected modules or functions, got {type(value).__name__}")
    return Function(value)


class Sequential(Module):
    """Calls its modules in turn. States are named by position, "0.weight", or by the keys of a dict.

    Parameters
    ----------
    modules : Modules and functions of one Tensor, or one list or dict of them

    Indexing gives a module, a slice a Sequential of the same modules.

    >>> from specframe import ops
    >>> from specframe.layers import Linear
    >>> print(Sequential(Linear(3, 4), ops.relu, Linear(4, 2, bias=False)))
    Sequential                       parameters  bytes
      0    Linear(3, 4)                      16     64
      1    Function(relu)
      2    Linear(4, 2, bias=False)           8     32
    total                                    24     96
    """

    def __init__(self, *modules: Any) -> None:
        given = modules[0] if len(modules) == 1 and isinstance(modules[0], list | tuple | dict) else modules
        named = given.items() if isinstance(given, dict) else enumerate(given)
        self._modules = {str(name): as_module(self, module) for name, module in named}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        chosen = list(self)[index]
        return Sequential(chosen) if isinstance(index, slice) else chosen

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(Module, MutableSequence[Module]):
    """A list of modules that is itself a module: a net finds what is in it, as in any list. It has no forward.

    Parameters
    ----------
    modules : Modules and functions
    """

    def __init__(self, modules: Iterable[Any] = ()) -> None:
        self._modules = [as_module(self, module) for module in modules]

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: Any) -> Any:
        return ModuleList(self._modules[index]) if isinstance(index, slice) else self._modules[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._modules[index] = as_module(self, value)

    def __delitem__(self, index: Any) -> None:
        del self._modules[index]

    def insert(self, index: int, value: Any) -> None:
        self._modules.insert(index, as_module(self, value))


class ModuleDict(Module, MutableMapping[str, Module]):
    """A dict of modules that is itself a module, equal to itself only; states are named by its keys. It has no forward.

    Parameters
    ----------
    modules : dict of Modules and functions, or pairs (name, module)
    """

    __eq__, __hash__ = object.__eq__, object.__hash__  # not Mapping's

    def __init__(self, modules: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self._modules: dict[str, Module] = {}
        self.update(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __getitem__(self, name: str) -> Module:
        return self._modules[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._modules[name] = as_module(self, value)

    def __delitem__(self, name: str) -> None:
        del self._modules[name]
