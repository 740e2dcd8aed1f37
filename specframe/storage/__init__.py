"""How saved activations are kept: formats, the choice among them, and the ledger of their bytes."""

from specframe.storage.auto import AutoStore
from specframe.storage.bits import Bits
from specframe.storage.csr import CSRStore
from specframe.storage.dense import DenseStore
from specframe.storage.handle import Borrowed, Bytes, Handle, Remade, Store
from specframe.storage.ledger import Ledger, Row
from specframe.storage.mask import MaskStore
from specframe.storage.sparse import Sparse

STORES = {store.name: store for store in (DenseStore, CSRStore, MaskStore, AutoStore)}

__all__ = [
    "STORES", "AutoStore", "Bits", "Borrowed", "Bytes", "CSRStore", "DenseStore", "Handle", "Ledger", "MaskStore",
    "Remade", "Row", "Sparse", "Store", "get_store",
]  # fmt: skip


def get_store(store):
    """The Store of a name ("dense", "csr", "mask", "auto"), or the Store itself."""
    if isinstance(store, Store):
        return store
    if store not in STORES:
        raise ValueError(f"unknown store {store!r}: choose {', '.join(STORES)}")
    return STORES[store]()
