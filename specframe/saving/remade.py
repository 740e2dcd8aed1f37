"""Remade: an array that is computed again from what is kept anyway, by the recipe of the op that made it."""

from specframe.saving.handle import Handle


class Recipe:
    """How a tensor is computed again: an op, its context, and the tensors or handles it was made from."""

    __slots__ = ("ctx", "dtype", "op", "shape", "sources")

    def __init__(self, op, ctx, sources, like):
        self.op, self.ctx, self.sources = op, ctx, sources
        self.shape, self.dtype = like.shape, like.dtype


class Remade(Handle):
    """An array that its op computes again from handles of its sources, at each call. 0 bytes beyond theirs."""

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
