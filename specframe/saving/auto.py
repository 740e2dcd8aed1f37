"""auto: the smallest of dense, csr and mask for each array, from its number of nonzero entries.

    dense   itemsize M
    csr     (itemsize + 4) nnz + 4 (rows + 1)
    mask    itemsize nnz + F columns / 8 (+ rows / 8)

On a GPU the host does not wait for a count: it is copied to the host beside what the device computes, and the array is
held dense until it has arrived. Only at the end of the forward, and where the arrays that are held so are large
together, the host waits, once for all of them.
"""

from typing import Any

from specframe import backend
from specframe.backend import Backend
from specframe.saving.csr import CSR, fits
from specframe.saving.dense import Dense
from specframe.saving.handle import Handle
from specframe.saving.mask import Mask, mask_bytes
from specframe.saving.sparse import Sparse, bits_of, matrix_shape
from specframe.saving.store import Store

AHEAD = 1 << 28  # bytes of arrays that may be held until their counts arrive: a millisecond of a device's memory


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

    def __init__(self, b: Backend, array: Any) -> None:
        self._now: Handle = Dense(array)
        self.shape, self.dtype, self.backend = array.shape, array.dtype, b
        self._count = b.xp.count_nonzero(bits_of(array)).reshape(1)  # held until it has been copied
        self._here, self.copied = b.to_pinned(self._count)

    def settle(self) -> None:
        self._has_changed, self.copied = self._now.changed(), None
        self._now = smallest(self._now.dense(), int(self._here[0]))
        self._count = self._here = None
        self._now.watch(self._exact)

    format = property(lambda self: self._now.format)
    bytes = property(lambda self: self._now.bytes)
    density = property(lambda self: self._now.density)
    settled = property(lambda self: self.copied is None)

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
        handle = Deferred(b, array)
        self._pending.append(handle)
        while self._pending and b.arrived(self._pending[0].copied):
            self._pending.pop(0).settle()
        if sum(pending.nbytes for pending in self._pending) > AHEAD:
            self.flush()
        return handle

    def discard(self) -> None:
        self._pending.clear()

    def flush(self) -> None:
        if self._pending:
            last = self._pending[-1]
            last.backend.finish(last.copied)  # and those before it
            for handle in self._pending:
                handle.settle()
            self._pending.clear()
