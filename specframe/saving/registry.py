"""Stores by name, with their settings after colons: "auto", "csr", "dct:0.1:int8"."""

from collections.abc import Callable
from typing import Any

from specframe.saving.auto import AutoStore
from specframe.saving.by_op import ByOp
from specframe.saving.csr import CSRStore
from specframe.saving.dense import DenseStore
from specframe.saving.mask import MaskStore
from specframe.saving.store import Store

STORES: dict[str, Callable[..., Store]] = {
    "dense": DenseStore, "csr": CSRStore, "mask": MaskStore, "auto": AutoStore,
}  # fmt: skip
"""Maker of a Store by name; it takes the settings as text. specframe.memory adds the lossy ones and offload."""

more: list[Callable[[], object]] = []
"""What to call, once, when a name is not among them: it may add to STORES."""


def names() -> list[str]:
    """The names of all stores."""
    while more:
        more.pop()()
    return list(STORES)


def get_store(store: Any) -> Store:
    """A Store from what describes it.

    Parameters
    ----------
    store : str, dict or Store
        A name, its settings after colons; or a dict from names of ops to such, whose "default" ("auto" if there is
        none) serves all other ops; or a Store, which is returned.

    Raises
    ------
    ValueError
        An unknown name, or settings that the store does not have.
    """
    if isinstance(store, Store):
        return store
    if isinstance(store, dict):
        stores = {op: get_store(one) for op, one in store.items()}
        default = stores.pop("default", None) or get_store("auto")
        return ByOp(stores, default)
    name, *settings = store.split(":") if isinstance(store, str) else (None,)
    if name not in STORES and name not in names():
        unknown = store if name is None else name
        raise ValueError(f"unknown store {unknown!r}: choose {', '.join(STORES)}")
    try:
        return STORES[name](*settings)
    except TypeError:
        raise ValueError(f"store {store!r}: {name} does not take {len(settings)} settings") from None
