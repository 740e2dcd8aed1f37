"""ByOp: one store for each kind of op.

    Tape(store={"conv2d": "quant8", "linear": "dense", "default": "auto"})

Ops go by the names that the ledger prints.
"""

from collections.abc import Mapping
from typing import Any

from specframe.saving.handle import Handle
from specframe.saving.sparse import Sparse
from specframe.saving.store import Store


class ByOp(Store):
    """Keep what an op saves in the store named for it, everything else in the default.

    Parameters
    ----------
    stores : dict, name of an op -> Store
    default : Store
    """

    name = "by_op"

    def __init__(self, stores: Mapping[str, Store], default: Store) -> None:
        self._stores, self._default = stores, default
        self._all = [*stores.values(), default]
        self.lossless = all(store.lossless for store in self._all)

    def begin(self, key: tuple[int, ...]) -> None:
        for number, store in enumerate(self._all):
            store.begin((*key, number))

    def of(self, op: str) -> Store:
        return self._stores.get(op, self._default)

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> Handle:
        return self._default.pack(array, sparse, exact_zeros)

    def flush(self) -> None:
        for store in self._all:
            store.flush()

    def discard(self) -> None:
        for store in self._all:
            store.discard()
