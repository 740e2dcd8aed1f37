"""Read lists, strings and NumPy arrays out of a pickle without running it.

A pickle is a program: its instructions push values on a stack, and may call any function of any module. Here
pickletools takes the instructions apart and a small machine follows those that build plain values. A call is written
down, never made: `Call` keeps the function's name, its arguments and the state given to the result, and `array`
understands the few calls that NumPy's own arrays pickle to. Nothing is imported, and no more memory is taken than the
file is long.
"""

import pickletools
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from specframe.data.published import DataError

VALUE = r"INT|(BIN)?FLOAT|(BIN)?INT[12]?|LONG[14]?|(SHORT_)?(BIN)?(STRING|BYTES|UNICODE)8?|BYTEARRAY8"
MOST_STEPS = 1_000_000  # instructions, some seconds; the longest published file has a third of it


@dataclass
class Call:
    """A call that a pickle asks for: `name` is "module function"; `state` what the result would be given."""

    name: str
    args: Any = ()
    state: Any = None


def read_pickle(content: bytes) -> Any:
    """The value in a pickle: numbers, text, bytes, tuples, lists, dicts, and `Call` for everything else.

    Bytes that were pickled by Python 2, or by its rules, are text of the characters 0 to 255.

    Raises
    ------
    DataError
        The pickle is truncated, damaged, too long, or builds other values.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in text: what is no pickle is refused below
        return _run(content)


def _run(content: bytes) -> Any:
    machine = _Machine()
    try:
        for step, (code, argument, _) in enumerate(pickletools.genops(content)):
            if step == MOST_STEPS:
                raise DataError(f"expected a pickle of at most {MOST_STEPS} steps, got a longer one")
            if code.name == "STOP":
                (value,) = machine.stack
                return value
            machine.follow(code.name, argument)
    except DataError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise DataError(f"expected a whole pickle, got a truncated or damaged one ({str(error)[:100]})") from error
    raise DataError("expected a whole pickle, got one without an end")


def array(value: Any, limit: int) -> np.ndarray:
    """The array that a pickled NumPy array, or a list of whole numbers, stands for; read-only.

    Raises
    ------
    DataError
        It is neither, its numbers contradict its shape, or take more than `limit` bytes.
    """
    try:
        if isinstance(value, list):
            return _numbers(value)
        order: Any
        if value.name.endswith(" _frombuffer"):  # from protocol 5 on
            content, kind, shape, order, *axes = value.args
        else:
            (_, shape, kind, fortran, content), axes = value.state, []
            order = "F" if fortran else "C"
        if len(content) > limit or min(shape) < 0 or any(axes):  # reshape would make something of one -1
            raise ValueError
        return np.frombuffer(_bytes(content), _dtype(kind)).reshape(shape, order=order)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise DataError("expected an array of whole numbers, got a damaged one or something else") from None


def _numbers(values: list[Any]) -> np.ndarray:
    """An array of a list's whole numbers, which may be NumPy's own."""
    return np.array([value if type(value) is int else _scalar(*value.args) for value in values], np.int64)


def _scalar(kind: Call, content: "str | bytes") -> np.generic:
    """One of NumPy's own numbers."""
    (number,) = np.frombuffer(_bytes(content), _dtype(kind))
    return number


def _bytes(content: "str | bytes") -> bytes:
    return content.encode("latin-1") if isinstance(content, str) else content


def _dtype(call: Call) -> np.dtype:
    """A type of whole numbers; its state begins with a version and the order of the bytes."""
    if not re.fullmatch("[iu][1248]", call.args[0]):
        raise ValueError
    return np.dtype(call.args[0]).newbyteorder(call.state[1])


class _Machine:
    """The stack and the memory that a pickle's instructions work on."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under the marks
        self.memory: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NEWTRUE": True, "NEWFALSE": False}.get(name))
            case "GLOBAL":
                stack.append(Call(argument))
            case "STACK_GLOBAL":
                module, function = self._take(2)
                stack.append(Call(f"{module} {function}"))
            case "REDUCE":
                function, args = self._take(2)
                # How Python 2's rules write bytes: as text of the characters 0 to 255, which does as it is.
                stack.append(args[0] if function.name == "_codecs encode" else Call(function.name, args))
            case "BUILD":
                (state,) = self._take(1)
                stack[-1].state = state
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memory[argument] = stack[-1]
            case "MEMOIZE":
                self.memory[len(self.memory)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memory[argument])
            case "MARK":
                self.below.append(stack)
                self.stack = []
            case "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_TUPLE":
                stack.append({"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}[name]())
            case "TUPLE" | "LIST":
                values = self._since_mark()
                self.stack.append(tuple(values) if name == "TUPLE" else values)
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self._take(int(name[-1]))))
            case "APPEND":
                (value,) = self._take(1)
                stack[-1].append(value)
            case "APPENDS":
                values = self._since_mark()
                self.stack[-1].extend(values)
            case "DICT":
                values = self._since_mark()
                self.stack.append(_pairs(values))
            case "SETITEM":
                pair = self._take(2)
                stack[-1].update(_pairs(pair))
            case "SETITEMS":
                values = self._since_mark()
                self.stack[-1].update(_pairs(values))
            case _ if re.fullmatch(VALUE, name):
                stack.append(argument)
            case _:
                raise DataError(f"expected a pickle of plain values, got one with the instruction {name}")

    def _take(self, count: int) -> list[Any]:
        """The last `count` values, removed."""
        values = self.stack[-count:]
        if len(values) != count:
            raise IndexError("the stack is too short")
        del self.stack[-count:]
        return values

    def _since_mark(self) -> list[Any]:
        """The values since the last mark, removed with it."""
        values, self.stack = self.stack, self.below.pop()
        return values


def _pairs(values: list[Any]) -> dict[Any, Any]:
    """A dict of keys and values in turn; only text and bytes are keys, lest something deep must be hashed."""
    if not all(isinstance(key, str | bytes) for key in values[::2]):
        raise TypeError("keys are text or bytes")
    return dict(zip(values[::2], values[1::2], strict=True))
