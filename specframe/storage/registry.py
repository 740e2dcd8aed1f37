"""Stores by name, with their settings after colons: "auto", "mask8", "spectral:0.1:int8:dct"."""

from functools import partial

from specframe.storage.auto import AutoStore
from specframe.storage.by_op import ByOp
from specframe.storage.csr import CSRStore
from specframe.storage.dense import DenseStore
from specframe.storage.handle import Store
from specframe.storage.mask import MaskStore
from specframe.storage.quantised import QuantStore
from specframe.storage.topk import TopKStore

STORES = {
    "dense": DenseStore, "csr": CSRStore, "mask": MaskStore, "auto": AutoStore,
    "mask16": partial(MaskStore, "float16"), "mask8": partial(MaskStore, "int8"), "mask4": partial(MaskStore, "int4"),
    "quant8": partial(QuantStore, "int8"), "quant4": partial(QuantStore, "int4"), "quant2": partial(QuantStore, "int2"),
    "topk": TopKStore,
}  # fmt: skip
"""Maker of a Store by name; it takes the settings as text."""


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
