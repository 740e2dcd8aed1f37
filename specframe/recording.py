"""Which tape is recording in this thread, and the two ways to change that for a part of a forward."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from specframe.saving import get_store


class _Active(threading.local):
    def __init__(self) -> None:
        self.stack: list[Any] = []  # tapes; the innermost is the last


_active = _Active()


def recording() -> list[Any]:
    """The tapes of this thread that are open, outermost first."""
    return _active.stack


def current() -> Any:
    """The innermost tape that is recording in this thread, or None."""
    return _active.stack[-1] if _active.stack else None


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
