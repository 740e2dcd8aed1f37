"""Stores by name, with their settings after colons: "auto", "mask8", "spectral:0.1:int8"."""

from specframe.storage.auto import AutoStore
from specframe.storage.by_op import ByOp
from specframe.storage.csr import CSRStore
from specframe.storage.dense import DenseStore
from specframe.storage.handle import Store
from specframe.storage.mask import MaskStore

STORES = {store.name: store for store in (DenseStore, CSRStore, MaskStore, AutoStore)}  # name -> maker of a Store


def get_store(store):
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
        named = {op: get_store(name) for op, name in store.items() if op != "default"}
        return ByOp(named, get_store(store.get("default", "auto")))
    name, *settings = store.split(":") if isinstance(store, str) else [store]
    if name not in STORES:
        raise ValueError(f"unknown store {name!r}: choose {', '.join(STORES)}")
    try:
        return STORES[name](*settings)
    except TypeError:
        raise ValueError(f"store {store!r}: {name} does not take {len(settings)} settings") from None
