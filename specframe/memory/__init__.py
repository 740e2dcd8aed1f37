"""The laboratory: ways to keep less between forward and backward than a tape does by itself.

    checkpoint      keep the inputs of a part of a net and run it again, on the whole batch or on slices of it
    stores          lossy ones (mask8, quant4, topk, dct, ...), and offload, by name: `Tape(store="mask8")`
    put_in_place    batch normalisation and leaky ReLU of a net as one op that keeps one map

It is imported when one of its names is first used. The engine and the ops know nothing of it.
"""

from specframe.memory import stores
from specframe.memory.dct import DCTStore
from specframe.memory.in_place_abn import batch_norm_act2d, put_in_place
from specframe.memory.offload import OffloadStore
from specframe.memory.quantised import QuantStore
from specframe.memory.recompute import checkpoint
from specframe.memory.reduced_mask import ReducedMaskStore
from specframe.memory.topk import TopKStore

__all__ = [
    "DCTStore", "OffloadStore", "QuantStore", "ReducedMaskStore", "TopKStore", "batch_norm_act2d", "checkpoint",
    "put_in_place", "stores",
]  # fmt: skip
