"""Borrowed: an array that lives anyway, held by reference."""

from typing import Any

from specframe.saving.handle import Handle
from specframe.saving.watch import mark


class Held(Handle):
    """An array that is held by reference: somebody else may change it."""

    _mark: Any = None

    def __init__(self, array: Any) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def watch(self, exact: bool) -> None:
        if self._mark is None:
            self._mark, self._exact = mark(self._array, exact), exact

    def changed(self) -> bool:
        return self._mark is not None and self._mark != mark(self._array, self._exact)

    def dense(self) -> Any:
        return self._array


class Borrowed(Held):
    """A parameter, or a batch that the caller holds: it lives anyway. Listed at 0 bytes."""

    format = "borrowed"
