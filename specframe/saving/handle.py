"""What every saved array answers to, whatever its format.

A handle stands in the record of an op for the array the op will need again. `dense()` gives the array back; fast
bodies ask for less: `sparse()` for the nonzero entries by frequency.
"""

from typing import NamedTuple

from specframe.saving.sparse import Sparse


class Bytes(NamedTuple):
    """Sizes of the buffers a handle holds, in bytes."""

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
    """

    format = ""
    bytes = Bytes()
    moved = 0
    density = None
    settled = True

    @property
    def nbytes(self):
        return sum(self.bytes)

    def dense(self):
        """The array, bit-equal to what was saved (for a lossless format)."""
        raise NotImplementedError

    def writable(self):
        """(array, owned): if owned, it is contiguous and unaliased, and a backward may build its result there."""
        array = self.dense()
        return array, array.flags.c_contiguous

    def watch(self, exact):
        """From now on `changed` can tell; a handle with a copy of its own has nothing to watch."""

    def changed(self):
        """Whether an array that is held by reference has been seen to differ from what was saved (watch.py)."""
        return False

    def sparse(self):
        """Its nonzero entries, as a `Sparse`."""
        return Sparse.of(self.dense())
