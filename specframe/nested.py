"""Nested: what is in force in this thread, outermost first, each thing as long as the block that put it there."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Nested(threading.local, Generic[T]):
    """A stack for each thread."""

    def __init__(self) -> None:
        self.stack: list[T] = []

    @contextlib.contextmanager
    def inside(self, thing: T) -> Iterator[None]:
        """`thing` is the innermost while this context lasts."""
        self.stack.append(thing)
        try:
            yield
        finally:
            self.stack.pop()

    @contextlib.contextmanager
    def without(self, thing: T) -> Iterator[None]:
        """The innermost, which is `thing`, is not in force while this context lasts."""
        self.stack.pop()
        try:
            yield
        finally:
            self.stack.append(thing)
