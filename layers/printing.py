"""What `print(module)` shows: what is inside, line by line, with parameters and bytes."""

import inspect
import reprlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from specframe.tensor import Tensor

if TYPE_CHECKING:
    from specframe.layers.module import Module

MISSING = inspect.Parameter.empty


def settings(module: "Module") -> str:
    """The arguments that make a module like this one, as far as it keeps them as attributes of the same names.

    The first, and those without a default, come by position, the others where they differ from it. A True or False
    asks for a part: it is True where the attribute holds one.
    """
    shown = []
    for place, (name, argument) in enumerate(inspect.signature(type(module)).parameters.items()):
        value, default = getattr(module, name, MISSING), argument.default
        if isinstance(default, bool) and value is not MISSING:
            value = value is not None and value is not False
        by_position = place == 0 or default is MISSING
        if _is_plain(value) and (by_position or repr(value) != repr(default)):
            shown.append(reprlib.repr(value) if by_position else f"{name}={reprlib.repr(value)}")
    return ", ".join(shown)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str | np.number)


def table(module: "Module") -> str:
    """One line for each module inside, indented by depth, and the totals; of a module that has none inside, one line.

    Where a module has others inside, its own parameters have lines too. Bytes are those of parameters and buffers. What
    is inside twice is listed once.
    """
    count, nbytes = _size(module)
    if next(module.children(), None) is None:
        return _title(module) + (f": {count:,} parameters, {nbytes:,} bytes" if nbytes else "")
    rows = [*_inside(module, "  ", set()), ("total", "", count, nbytes)]
    name_width = max(len(name) for name, *_ in rows)
    lines = [(_title(module, True), "parameters", "bytes")]
    lines += [(f"{name:{name_width}}  {text}", _number(n), _number(size)) for name, text, n, size in rows]
    widths = [max(len(line[i].rstrip()) for line in lines) for i in range(3)]
    return "\n".join(f"{a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in lines)


def _inside(module: "Module", indent: str, seen: set[int]) -> Iterator[tuple[str, str, int, int]]:
    """(indented name, what it is, parameters, bytes) of the parts of a module that has others inside."""
    for name, part in module._parts():
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Tensor):
            yield f"{indent}{name}", f"Parameter{part.shape}", part.size, part.data.nbytes
        elif next(part.children(), None) is None:
            yield f"{indent}{name}", _title(part), *_size(part)
        else:
            yield f"{indent}{name}", _title(part, True), 0, 0
            yield from _inside(part, indent + "  ", seen)


def _title(module: "Module", has_parts: bool = False) -> str:
    """The class and its settings; empty parentheses only where nothing follows."""
    text = module.extra_repr()
    return f"{type(module).__name__}({text})" if text or not has_parts else type(module).__name__


def _number(number: int) -> str:
    return f"{number:,}" if number else ""


def _size(module: "Module") -> tuple[int, int]:
    """Parameters, and bytes of parameters and buffers, of everything inside."""
    arrays = [parameter.data for parameter in module.parameters()]
    return sum(array.size for array in arrays), sum(array.nbytes for array in (*arrays, *module.buffers()))
