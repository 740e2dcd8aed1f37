"""What a module holds: which parts, in which order, by which names.

A part (a module or a Parameter) is found where an attribute holds it, or in lists, tuples and dicts there, nested to
any depth. Its name is the path that leads to it: `net.blocks[0].heads["cat"].bias` is "blocks.0.heads.cat.bias". The
order is that of the attributes. There is nothing to register.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from specframe.layers.parameter import Parameter

if TYPE_CHECKING:
    from specframe.layers.module import Module

T = TypeVar("T")
CONTAINERS = (list, tuple, dict, set, frozenset)


class Tree:
    """The half of Module that knows its parts.

    Methods that list parts give each once, under its first name, and raise ValueError where a module lies inside
    itself.

    Attributes
    ----------
    buffer_names : tuple of str
        Attributes that hold arrays which belong to the state but are not trained.
    """

    buffer_names: tuple[str, ...] = ()

    def named_modules(self) -> "Iterator[tuple[str, Module]]":
        """(dotted name, module) of this one, which is called "", and everything inside."""
        return once(self._walk())

    def modules(self) -> "Iterator[Module]":
        """This module and everything inside."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> "Iterator[tuple[str, Module]]":
        """(name, module) of the modules directly inside."""
        return once((name, cast("Module", part)) for name, part in self._parts() if isinstance(part, Tree))

    def children(self) -> "Iterator[Module]":
        """The modules directly inside."""
        return (module for _, module in self.named_children())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, Parameter), a module's own before those of the modules inside."""
        return once(self._all_parameters())

    def parameters(self) -> list[Parameter]:
        """The Parameters."""
        return [parameter for _, parameter in self.named_parameters()]

    def num_parameters(self) -> int:
        """How many numbers the Parameters hold together, trained or frozen."""
        return sum(parameter.size for parameter in self.parameters())

    def buffer_places(self) -> "Iterator[tuple[str, Module, str]]":
        """(dotted name, module, attribute) of the arrays that are state but not trained."""
        for prefix, module in self.named_modules():
            for name in module.buffer_names:
                yield _join(prefix, name), module, name

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """(dotted name, array) of the arrays that are state but not trained."""
        return ((name, getattr(module, attribute)) for name, module, attribute in self.buffer_places())

    def buffers(self) -> list[Any]:
        """The arrays that are state but not trained."""
        return [array for _, array in self.named_buffers()]

    # ---- under all their names ---------------------------------------------------------------------------------

    def _parts(self) -> Iterator[tuple[str, Any]]:
        """(name, part) of what the attributes hold; that an attribute is called `_modules` does not show in names."""
        for name, value in tuple(vars(self).items()):  # whoever goes through may set attributes on the way
            yield from _find("" if name == "_modules" else name, value)

    def _walk(
        self, prefix: str = "", around: tuple[Any, ...] = (), inner_first: bool = False
    ) -> Iterator[tuple[str, Any]]:
        """(dotted name, module) of this one, which lies in the modules `around`, and everything inside."""
        if any(self is module for module in around):
            raise ValueError(f"{type(around[0]).__name__}: {prefix} is a {type(self).__name__} that lies inside itself")
        if not inner_first:
            yield prefix, self
        for name, part in self._parts():
            if isinstance(part, Tree):
                yield from part._walk(_join(prefix, name), (*around, self), inner_first)
        if inner_first:
            yield prefix, self

    def _all_parameters(self) -> Iterator[tuple[str, Parameter]]:
        for prefix, module in self._walk():
            for name, part in module._parts():
                if isinstance(part, Parameter):
                    yield _join(prefix, name), part

    def _places(self) -> dict[str, tuple[Any, str]]:
        """(owner, attribute) of each array of the state by name: parameters, then buffers."""
        named: list[tuple[str, tuple[Any, str]]] = [(name, (part, "data")) for name, part in self._all_parameters()]
        for prefix, module in self._walk():
            named += [(_join(prefix, name), (module, name)) for name in module.buffer_names]
        places: dict[str, tuple[Any, str]] = {}
        for name, place in named:
            if name in places:
                raise ValueError(f"{type(self).__name__}: two arrays would be called {name}")
            places[name] = place
        return places


PARTS = (Tree, Parameter)


def _join(prefix: str, name: object) -> str:
    return f"{prefix}.{name}" if prefix else str(name)


def _find(name: str, value: Any, around: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """(name, part) of the parts in a value, which lies in the containers `around`."""
    if isinstance(value, PARTS):
        yield name, value
    elif isinstance(value, CONTAINERS):
        if any(value is container for container in around):
            raise ValueError(f"{name} is a {type(value).__name__} that lies inside itself")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, PARTS + CONTAINERS):
                for path, part in _find(_join(name, key), item, (*around, value)):
                    if isinstance(value, set | frozenset):
                        raise ValueError(f"{name} is a set with a {type(part).__name__}: use a list, for its order")
                    yield path, part


def once(named: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The pairs whose part has not come before, under another name."""
    seen: dict[int, T] = {}
    for name, part in named:
        if id(part) not in seen:
            seen[id(part)] = part
            yield name, part
