"""dense: the array as it is.

    bytes = itemsize * M            M entries

A view is copied where it would keep a larger array alive.
"""

from typing import Any

from specframe.saving.borrowed import Held
from specframe.saving.handle import Bytes
from specframe.saving.sparse import Sparse, count_nonzero
from specframe.saving.store import Store


class Dense(Held):
    format = "dense"

    def __init__(self, array: Any, count: int | None = None) -> None:
        super().__init__(own(array))
        self.bytes = Bytes(values=self._array.nbytes)
        self.density = None if count is None else count / max(1, array.size)


class DenseStore(Store):
    """Keep every array whole."""

    name = "dense"

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> Dense:
        return Dense(array, sparse.nnz if sparse else count_nonzero(array))


def own(array: Any) -> Any:
    """The array, or a copy where it is a view that would keep a larger array alive behind it."""
    if array.base is None or getattr(array.base, "nbytes", None) == array.nbytes:
        return array
    return array.copy()
