"""Handle: a saved array, whatever its format.

A handle stands in the record of an op for an array that the backward will need. `dense()` gives the array back; fast
bodies ask for less: `sparse()` for the nonzero entries by frequency. A format is a subclass with `dense()`, and
`bytes` that are true.
"""

from typing import Any, ClassVar, NamedTuple

from specframe.saving.sparse import Sparse


class Bytes(NamedTuple):
    """Sizes of the buffers that a handle holds, in bytes."""

    values: int = 0
    indices: int = 0
    pointers: int = 0
    masks: int = 0
    scales: int = 0


class Handle:
    """A saved array.

    Attributes
    ----------
    shape, dtype : of the array
    format : str, as the ledger prints it
    bytes : Bytes, of the buffers really held in memory
    moved : int, bytes that were moved out of it (to a file, or from the device to the host)
    density : float or None, nonzero entries / entries, None where nobody counted
    settled : bool, whether its buffers are final; False while a choice of format waits for the device
    fresh : bool, of the class: whether `dense()` makes a new contiguous array at each call
    """

    shape: tuple[int, ...]
    dtype: Any
    format: str = ""
    bytes: Bytes = Bytes()
    moved: int = 0
    density: float | None = None
    settled: bool = True
    fresh: ClassVar[bool] = False

    @property
    def nbytes(self) -> int:
        return sum(self.bytes)

    def dense(self) -> Any:
        """The array: bit-equal to what was saved, where the format is lossless."""
        raise NotImplementedError

    def writable(self) -> tuple[Any, bool]:
        """(array, owned): if owned, it is contiguous and unaliased, and a backward may build its result there."""
        return self.dense(), self.fresh

    def sparse(self) -> Sparse:
        """Its nonzero entries."""
        return Sparse.of(self.dense())

    def watch(self, exact: bool) -> None:
        """From now on `changed` can tell; a handle with a copy of its own has nothing to watch."""

    def changed(self) -> bool:
        """Whether an array that is held by reference has been seen to differ from what was saved (watch.py)."""
        return False
