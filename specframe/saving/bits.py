"""bits: decisions (kept or dropped, positive or not, which entry of a window won), packed, always exact.

    bytes = ceil(log2(levels)) * ceil(M / 8)        for M decisions among `levels` choices, 2 or more

A decision among more than two choices is kept as one plane of bits for each binary digit.
"""

import math
from typing import Any

import numpy as np

from specframe.backend import Backend
from specframe.saving.handle import Bytes, Handle


class Bits(Handle):
    format = "bits"
    fresh = True

    def __init__(self, b: Backend, decisions: Any, levels: int = 2) -> None:
        self._backend = b
        whole = np.uint8 if levels <= 256 else np.uint16
        self.shape, self.dtype = decisions.shape, np.dtype(bool if levels == 2 else whole)
        self._planes = b.pack(decisions, max(1, (levels - 1).bit_length()))  # (digits, bytes)
        self.bytes = Bytes(masks=self._planes.nbytes)

    def dense(self) -> Any:
        """Booleans for two levels, else uint8, or uint16 above 256 levels."""
        return self._backend.unpack(self._planes, math.prod(self.shape), self.dtype).reshape(self.shape)
