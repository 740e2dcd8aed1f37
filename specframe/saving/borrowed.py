"""Borrowed: an array that lives anyway."""

from specframe.saving.handle import Handle


class Borrowed(Handle):
    """An array that lives anyway: a parameter, or a batch that the caller holds. Listed at 0 bytes."""

    format = "borrowed"

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def dense(self):
        return self._array

    def writable(self):
        return self._array, False
