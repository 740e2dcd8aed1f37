"""What a tape keeps: formats, the choice among them, and the ledger of their bytes."""

from specframe.saving.auto import AutoStore
from specframe.saving.bits import Bits
from specframe.saving.borrowed import Borrowed
from specframe.saving.by_op import ByOp
from specframe.saving.csr import CSRStore
from specframe.saving.dense import DenseStore
from specframe.saving.handle import Bytes, Handle
from specframe.saving.ledger import Ledger, Row
from specframe.saving.mask import MaskStore
from specframe.saving.registry import STORES, get_store
from specframe.saving.remade import Remade
from specframe.saving.saving import Saving
from specframe.saving.sparse import Sparse
from specframe.saving.store import Store

__all__ = [
    "STORES", "AutoStore", "Bits", "Borrowed", "ByOp", "Bytes", "CSRStore", "DenseStore", "Handle", "Ledger",
    "MaskStore", "Remade", "Row", "Saving", "Sparse", "Store", "get_store",
]  # fmt: skip
