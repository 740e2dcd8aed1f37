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
        if decisions.dtype == bool:
            decisions = decisions.view(np.uint8)
        self._planes = [b.packbits((decisions >> digit) & 1) for digit in range(max(1, (levels - 1).bit_length()))]
        self.bytes = Bytes(masks=sum(plane.nbytes for plane in self._planes))

    def dense(self) -> Any:
        """Booleans for two levels, else uint8, or uint16 above 256 levels."""
        planes = [self._backend.unpackbits(plane, math.prod(self.shape)).reshape(self.shape) for plane in self._planes]
        whole = planes[0].astype(self.dtype, copy=False)
        for digit, plane in enumerate(planes[1:], start=1):
            whole |= plane.astype(self.dtype) << self.dtype.type(digit)  # in place, so that a 0-d array stays one
        return whole
