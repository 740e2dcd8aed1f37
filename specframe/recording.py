"""Which tape is recording in this thread, and the ways to change that for a part of a forward."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from specframe.saving import get_store


class _Active(threading.local):
    def __init__(self) -> None:
        self.stack: list[Any] = []  # tapes; the innermost is the last
        self.silent: list[Silent | None] = []  # for each no_grad block, what it put on the stack


_active = _Active()


def recording() -> list[Any]:
    """The tapes of this thread that are open, outermost first."""
    return _active.stack


def current() -> Any:
    """The innermost tape that is recording in this thread, or None."""
    return _active.stack[-1] if _active.stack else None


# ---- keep nothing -----------------------------------------------------------------------------------------------


class Silent:
    """Stands before a tape and records nothing; whatever else ops ask a tape, the one behind it answers."""

    silent = True

    def __init__(self, tape: Any) -> None:
        self._tape = tape

    def context(self, b: Any, inputs: tuple[Any, ...]) -> Any:
        return self._tape.context(b, (None,) * len(inputs))

    def add(self, op: Any, ctx: Any, inputs: tuple[Any, ...], y: Any) -> None:
        self._tape.saving.made.add(y.uid)  # so that an op that saves y after the block counts its bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tape, name)


class no_grad(contextlib.ContextDecorator):
    """Ops inside are not recorded, and their results require no gradient: `with no_grad(): ...`.

    Also a decorator, `@no_grad()` or `@no_grad`. A tape that is opened inside records as always.
    """

    def __new__(cls, function: Any = None) -> "no_grad":
        return super().__new__(cls) if function is None else cls()(function)

    def __enter__(self) -> None:
        tape = current()
        _active.silent.append(None if tape is None else Silent(tape))
        if tape is not None:
            _active.stack.append(_active.silent[-1])

    def __exit__(self, *error: object) -> None:
        silent = _active.silent.pop()
        if silent is not None:
            _active.stack.remove(silent)


def gradients_off() -> bool:
    """Whether this is inside a no_grad block."""
    return bool(_active.silent)


# ---- keep otherwise ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def store(store: Any) -> Iterator[None]:
    """Keep what the ops inside save by another store than the tape's: `with store("mask8"): ...`.

    Without a tape nothing is saved, and nothing happens. Nested, the innermost counts. An array that an earlier op has
    saved stays as it is.

    Raises
    ------
    ValueError
        As saving.get_store does.
    """
    tape, chosen = current(), get_store(store)
    with contextlib.nullcontext() if tape is None else tape.saving.chosen(chosen):
        yield
