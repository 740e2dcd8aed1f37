"""auto: the smallest of dense, csr and mask for each array, from its number of nonzero entries.

    dense   itemsize M
    csr     (itemsize + 4) nnz + 4 (rows + 1)
    mask    itemsize nnz + F columns / 8 (+ rows / 8)

On a GPU the count is not asked for array by array, which would make the host wait each time: arrays are held dense
until a few counts have gathered, and all the counts are fetched in one transfer.
"""

from specframe import backend
from specframe.saving.csr import CSR
from specframe.saving.dense import Dense
from specframe.saving.handle import Handle
from specframe.saving.mask import Mask
from specframe.saving.sparse import Sparse, count_nonzero, matrix_shape
from specframe.saving.store import Store

PENDING = 4  # arrays that wait for their counts together


def smallest(array, count, sparse=None):
    """A handle of `array`, which has `count` nonzero entries, in the format with the fewest bytes."""
    rows, columns = matrix_shape(array.shape)
    item = array.dtype.itemsize
    if array.nbytes <= item * count + -(-count // 8):  # an entry costs a bit at least: no need to gather them
        return Dense(array, count)
    sparse = sparse or Sparse.of(array, count)
    filled = rows if sparse.rows is None else len(sparse.rows)
    csr = (item + 4) * count + 4 * (rows + 1)
    mask = item * count + -(-filled * columns // 8) + (0 if sparse.rows is None else -(-rows // 8))
    if array.nbytes <= min(csr, mask):
        return Dense(array, count)
    return (CSR if csr < mask else Mask)(sparse)


class Deferred(Handle):
    """An array whose format will be chosen when its count has come over from the device."""

    def __init__(self, array, count):
        self.array, self.count, self._settled = array, count, None
        self.shape, self.dtype = array.shape, array.dtype

    def settle(self, count):
        self._settled = smallest(self.array, count)
        self.array = self.count = None

    format = property(lambda self: self._settled.format if self._settled else "dense")
    bytes = property(lambda self: self._now.bytes)
    density = property(lambda self: self._now.density)
    settled = property(lambda self: self._settled is not None)

    @property
    def _now(self):
        return self._settled or Dense(self.array)

    def dense(self):
        return self._now.dense()

    def writable(self):
        return self._now.writable()

    def sparse(self):
        return self._now.sparse()


class AutoStore(Store):
    """Choose the format of each array by its bytes; never larger than dense."""

    name = "auto"

    def __init__(self):
        self._pending = []

    def pack(self, array, sparse=None, exact_zeros=False):
        b = backend.of("store", array)
        if sparse is not None:
            return smallest(array, sparse.nnz, sparse)
        if not b.reading_waits:
            return smallest(array, count_nonzero(array))
        handle = Deferred(array, b.xp.count_nonzero(array))
        self._pending.append(handle)
        if len(self._pending) >= PENDING:
            self.flush()
        return handle

    def discard(self):
        self._pending.clear()

    def flush(self):
        if self._pending:
            b = backend.of("store", self._pending[0].array)
            counts = b.to_host(b.xp.stack([handle.count for handle in self._pending]))
            for handle, count in zip(self._pending, counts, strict=True):
                handle.settle(int(count))
            self._pending.clear()
