"""quant8, quant4, quant2: every entry in a few bits, zeros too, as ActNN keeps activations.

    bytes = (32 bits + s) * ceil(R / 256)          R reals of s bytes each, a complex entry is two

An op that reads decisions off the zeros of what it saved gets the mask format with such values instead: rounding may
make an entry zero.
"""

from typing import Any

from specframe.memory.reduced import ReducedStore
from specframe.saving.handle import Handle
from specframe.saving.sparse import count_nonzero


class QuantStore(ReducedStore):
    """Keep every array whole with reduced values; arrays of fewer than 1024 entries, and integers, exactly.

    Parameters
    ----------
    values : one of specframe.memory.values.KINDS
    """

    name = "quant"

    def __init__(self, values: str = "int8") -> None:
        super().__init__(values)

    def reduced(self, array: Any, key: tuple[int, ...]) -> Handle:
        return self.whole(array, key, count_nonzero(array))
