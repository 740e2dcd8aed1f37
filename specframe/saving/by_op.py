"""ByOp: one store for each kind of op.

    Tape(store={"conv2d": "quant8", "linear": "dense", "default": "auto"})
"""

from specframe.saving.store import Store


class ByOp(Store):
    """Keep what an op saves in the store named for it, everything else in the default.

    Parameters
    ----------
    stores : dict, name of an op -> Store
    default : Store
    """

    name = "by_op"

    def __init__(self, stores, default):
        self._stores, self._default = stores, default
        self.lossless = all(store.lossless for store in self._all())

    def _all(self):
        return [*self._stores.values(), self._default]

    def begin(self, key):
        for number, store in enumerate(self._all()):
            store.begin((*key, number))

    def of(self, op):
        return self._stores.get(op, self._default)

    def pack(self, array, sparse=None, exact_zeros=False):
        return self._default.pack(array, sparse, exact_zeros)

    def flush(self):
        for store in self._all():
            store.flush()

    def discard(self):
        for store in self._all():
            store.discard()
