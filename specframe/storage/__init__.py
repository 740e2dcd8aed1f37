"""How saved activations are kept: formats, the choice among them, and the ledger of their bytes."""

from specframe.storage.auto import AutoStore
from specframe.storage.bits import Bits
from specframe.storage.by_op import ByOp
from specframe.storage.csr import CSRStore
from specframe.storage.dense import DenseStore
from specframe.storage.handle import Borrowed, Bytes, Handle, Remade, Store
from specframe.storage.ledger import Ledger, Row
from specframe.storage.mask import MaskStore
from specframe.storage.offload import OffloadStore
from specframe.storage.quantised import QuantStore
from specframe.storage.registry import STORES, get_store
from specframe.storage.sparse import Sparse
from specframe.storage.spectral import SpectralStore
from specframe.storage.topk import TopKStore

__all__ = [
    "STORES", "AutoStore", "Bits", "Borrowed", "ByOp", "Bytes", "CSRStore", "DenseStore", "Handle", "Ledger",
    "MaskStore", "OffloadStore", "QuantStore", "Remade", "Row", "Sparse", "SpectralStore", "Store", "TopKStore",
    "get_store",
]  # fmt: skip
