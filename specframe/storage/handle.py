"""What every saved array answers to, whatever its format, and the two kinds that cost nothing.

A handle stands in the record of an op for the array the op will need again. `dense()` gives the array back; fast
paths ask for less: `sparse()` for the nonzero entries by frequency, `active_rows()` for the frequencies that have any.
"""

from typing import NamedTuple

from specframe import backend
from specframe.storage.sparse import Sparse


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
        """(the array, whether it is contiguous and nobody else has it: a backward may then build its result there)."""
        array = self.dense()
        return array, array.flags.c_contiguous

    def sparse(self):
        """Its nonzero entries, as a `Sparse`."""
        return Sparse.of(self.dense())

    def support(self):
        """Booleans of the array's shape: where it is not zero."""
        return self.dense() != 0

    def active_rows(self):
        """Booleans over the rows of the array (frequencies, for a spectrum): has the row a nonzero entry?"""
        return self.sparse().active_rows()


class Borrowed(Handle):
    """An array that lives anyway: a parameter, or a batch that the caller holds. Listed at 0 bytes."""

    format = "borrowed"

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def dense(self):
        return self._array

    def writable(self):
        return self._array, False


class Remade(Handle):
    """An array that its op makes again from handles of its sources, at each call. 0 bytes beyond theirs."""

    format = "remade"

    def __init__(self, recipe, sources):
        self._op, self._ctx, self.sources = recipe.op, recipe.ctx, sources
        self.shape, self.dtype = recipe.shape, recipe.dtype

    @property
    def made_by(self):
        return self._op.name

    def dense(self):
        return self.writable()[0]

    def writable(self):
        sources = [source.dense() for source in self.sources]
        array = self._op.remake(self._ctx, *sources)
        own = array.base is None and all(array is not source for source in sources)  # no view, no source
        return array, own and array.flags.c_contiguous


class Store:
    """A way of keeping arrays of numbers; a subclass is one format, an instance serves one tape at a time.

    Attributes
    ----------
    name : str
    lossless : bool, whether `dense()` gives back what was packed, bit by bit
    """

    name = None
    lossless = True

    def begin(self, key):
        """A forward begins: `key`, a tuple of integers, seeds what the store draws at random."""

    def of(self, op):
        """The store that keeps what the op of this name saves: this one, unless it chooses by op."""
        return self

    def pack(self, array, sparse=None, exact_zeros=False):
        """A Handle of `array`.

        `sparse`, where the op has it, are its nonzero entries, already gathered. With `exact_zeros` the op reads
        decisions off the zeros (a threshold's mask): a lossy store must give back the same support.
        """
        raise NotImplementedError

    def flush(self):
        """Finish packing that was put off. Called at the end of the forward."""

    def discard(self):
        """Forget packing that was put off. Called when the forward failed."""


def own(array):
    """The array, or a copy where it is a view that would keep a larger array alive behind it."""
    if array.base is None or getattr(array.base, "nbytes", None) == array.nbytes:
        return array
    return array.copy()


def count_nonzero(array):
    """Nonzero entries as a Python int, or None where asking would make the host wait for the device."""
    b = backend.of("store", array)
    if b.asynchronous:
        return None
    return int(b.xp.count_nonzero(array != 0 if array.dtype.kind == "c" else array))  # NumPy counts complex slowly
