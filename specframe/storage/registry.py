"""Stores by name, with their settings after colons: "auto", "mask8", "spectral:0.1:int8:dct"."""

import os
from functools import partial

from specframe.storage.auto import AutoStore
from specframe.storage.by_op import ByOp
from specframe.storage.csr import CSRStore
from specframe.storage.dense import DenseStore
from specframe.storage.handle import Store
from specframe.storage.mask import MaskStore
from specframe.storage.offload import OffloadStore
from specframe.storage.quantised import QuantStore
from specframe.storage.spectral import SpectralStore
from specframe.storage.topk import TopKStore


def _offload(*settings):
    """From "offload", "offload:STORE", "offload:STORE:DIRECTORY"; a directory is told by its separator."""
    directory = settings[-1] if settings and os.sep in settings[-1] else None
    inner = settings if directory is None else settings[:-1]
    return OffloadStore(get_store(":".join(inner) or "auto"), directory)


STORES = {
    "dense": DenseStore, "csr": CSRStore, "mask": MaskStore, "auto": AutoStore,
    "mask16": partial(MaskStore, "float16"), "mask8": partial(MaskStore, "int8"), "mask4": partial(MaskStore, "int4"),
    "quant8": partial(QuantStore, "int8"), "quant4": partial(QuantStore, "int4"), "quant2": partial(QuantStore, "int2"),
    "topk": TopKStore, "spectral": SpectralStore, "offload": _offload,
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
