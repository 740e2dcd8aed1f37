"""auto: the smallest of dense, csr and mask for each array, from its number of nonzero entries.

    dense   itemsize M
    csr     (itemsize + 4) nnz + 4 (rows + 1)
    mask    itemsize nnz + F columns / 8 (+ rows / 8)

On a GPU the count is not asked for array by array, which would make the host wait each time: arrays are held dense
until a few counts have gathered, and all the counts are fetched in one transfer.
"""

from typing import Any

from specframe import backend
from specframe.saving.csr import CSR, fits
from specframe.saving.dense import Dense
from specframe.saving.handle import Handle
from specframe.saving.mask import Mask, mask_bytes
from specframe.saving.sparse import Sparse, bits_of, matrix_shape
from specframe.saving.store import Store

PENDING = 4  # arrays that wait for their counts together


def smallest(array: Any, count: int, sparse: Sparse | None = None) -> Handle:
    """A handle of `array`, which has `count` nonzero entries, in the format with the fewest bytes."""
    item = array.dtype.itemsize
    if array.nbytes <= item * count + -(-count // 8):  # an entry costs a bit at least: no need to gather them
        return Dense(array, count)
    sparse = sparse or Sparse.of(array, count)
    mask = item * count + mask_bytes(sparse)
    csr = (item + 4) * count + 4 * (matrix_shape(array.shape)[0] + 1)
    if array.nbytes <= min(csr, mask):
        return Dense(array, count)
    return (CSR if csr < mask and fits(array) else Mask)(sparse)  # of two as small, the one that unpacks faster


class Deferred(Handle):
    """An array whose format will be chosen when its count has come over from the device."""

    _exact = _has_changed = False  # how it is watched, and whether it had changed when its format was chosen

    def __init__(self, array: Any, count: Any) -> None:
        self._now: Handle = Dense(array)
        self.count, self.shape, self.dtype = count, array.shape, array.dtype

    def settle(self, count: int) -> None:
        self._has_changed = self._now.changed()
        self._now, self.count = smallest(self._now.dense(), count), None
        self._now.watch(self._exact)

    format = property(lambda self: self._now.format)
    bytes = property(lambda self: self._now.bytes)
    density = property(lambda self: self._now.density)
    settled = property(lambda self: self.count is None)

    def dense(self) -> Any:
        return self._now.dense()

    def writable(self) -> tuple[Any, bool]:
        return self._now.writable()

    def sparse(self) -> Sparse:
        return self._now.sparse()

    def watch(self, exact: bool) -> None:
        self._exact = exact
        self._now.watch(exact)

    def changed(self) -> bool:
        return self._has_changed or self._now.changed()


class AutoStore(Store):
    """Choose the format of each array by its bytes; never larger than dense."""

    name = "auto"

    def __init__(self) -> None:
        self._pending: list[Deferred] = []

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> Handle:
        b = backend.of("store", array)
        if sparse is not None:
            return smallest(array, sparse.nnz, sparse)
        if not b.reading_waits:
            return smallest(array, int(b.xp.count_nonzero(bits_of(array))))
        handle = Deferred(array, b.xp.count_nonzero(bits_of(array)))
        self._pending.append(handle)
        if len(self._pending) >= PENDING:
            self.flush()
        return handle

    def discard(self) -> None:
        self._pending.clear()

    def flush(self) -> None:
        if self._pending:
            b = backend.of("store", self._pending[0].dense())
            counts = b.to_host(b.xp.stack([handle.count for handle in self._pending]))
            for handle, count in zip(self._pending, counts, strict=True):
                handle.settle(int(count))
            self._pending.clear()
