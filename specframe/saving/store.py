"""Store: a way of keeping arrays of numbers."""


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
