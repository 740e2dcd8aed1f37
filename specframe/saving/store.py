"""Store: a way of keeping arrays of numbers between forward and backward.

A store makes handles: `pack(array)` returns one, whose `dense()` gives the array back. A store of one's own is a handle
for the format and a store that packs with it, and leaves to another what it does not hold:

>>> import numpy as np, specframe as sf
>>> class Half(sf.saving.Handle):
...     format = "half"
...     def __init__(self, array):
...         self.shape, self.dtype, self._half = array.shape, array.dtype, array.astype(np.float16)
...         self.bytes = sf.saving.Bytes(values=self._half.nbytes)
...     def dense(self):
...         return self._half.astype(self.dtype)
>>> class HalfStore(sf.saving.AutoStore):
...     name, lossless = "half", False
...     def pack(self, array, sparse=None, exact_zeros=False):
...         real = array.dtype.kind == "f" and not exact_zeros
...         return Half(array) if real else super().pack(array, sparse, exact_zeros)
>>> with sf.Tape(store=HalfStore()) as tape:
...     y = sf.ops.tanh(sf.Tensor(np.linspace(-1, 1, 100), requires_grad=True))
>>> tape.ledger.by("format")
{'half': 200}

`sf.saving.STORES["half"] = HalfStore` gives it a name for `Tape(store="half")` and `--store half`; settings after
colons, "half:3", are passed to its constructor as text.
"""

from typing import Any

from specframe.saving.handle import Handle
from specframe.saving.sparse import Sparse


class Store:
    """A way of keeping arrays of numbers; a subclass is one format.

    An instance serves one tape at a time. Tapes that run side by side, in threads, get one each, as they do when a
    store is given by its name.

    Attributes
    ----------
    name : str
    lossless : bool, whether `dense()` gives back what was packed, bit by bit
    """

    name: str = ""
    lossless: bool = True

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> Handle:
        """A Handle of `array`.

        `sparse`, where the op has it, are its nonzero entries, already gathered. With `exact_zeros` the op reads
        decisions off the zeros (a threshold's mask): a lossy store must give back the same support.
        """
        raise NotImplementedError

    def begin(self, key: tuple[int, ...]) -> None:
        """A forward begins: `key` seeds what the store draws at random."""

    def of(self, op: str) -> "Store":
        """The store that keeps what the op of this name saves: this one, unless it chooses by op."""
        return self

    def flush(self) -> None:
        """Finish packing that was put off. Called at the end of the forward."""

    def discard(self) -> None:
        """Forget packing that was put off. Called when the forward failed."""
