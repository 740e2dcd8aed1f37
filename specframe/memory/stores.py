"""The stores of the laboratory by name: importing this module adds them to STORES."""

import os
from functools import partial

from specframe.memory.dct import DCTStore
from specframe.memory.offload import OffloadStore
from specframe.memory.quantised import QuantStore
from specframe.memory.reduced_mask import ReducedMaskStore
from specframe.memory.topk import TopKStore
from specframe.saving.registry import STORES, get_store


def _offload(*settings: str) -> OffloadStore:
    """From "offload", "offload:STORE", "offload:STORE:DIRECTORY"; a directory is told by its separator."""
    directory = settings[-1] if settings and os.sep in settings[-1] else None
    inner = settings if directory is None else settings[:-1]
    return OffloadStore(get_store(":".join(inner) or "auto"), directory)


STORES |= {
    "mask16": partial(ReducedMaskStore, "float16"), "mask8": partial(ReducedMaskStore, "int8"),
    "mask4": partial(ReducedMaskStore, "int4"), "quant8": partial(QuantStore, "int8"),
    "quant4": partial(QuantStore, "int4"), "quant2": partial(QuantStore, "int2"), "topk": TopKStore,
    "dct": DCTStore, "offload": _offload,
}  # fmt: skip
