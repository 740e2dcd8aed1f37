"""Remade: an array that is computed again from what is kept anyway, by the recipe of the op that made it."""

from specframe.saving.handle import Handle

DEEPEST = 32  # recipes on recipes: beyond, a result is kept rather than computed again from so far back


class Recipe:
    """How a tensor is computed again: an op, its context, and the tensors or handles it was made from.

    Attributes
    ----------
    depth : int, how many recipes follow each other
    """

    __slots__ = ("ctx", "depth", "dtype", "op", "shape", "sources")

    def __init__(self, op, ctx, sources, like):
        self.op, self.ctx, self.sources = op, ctx, sources
        self.shape, self.dtype = like.shape, like.dtype
        self.depth = 1 + max((depth_of(source) for source in sources), default=0)


def depth_of(source):
    """How many recipes lie behind a tensor or a handle."""
    maker = getattr(source, "recipe", source)  # a tensor has a recipe or None; a handle that is remade, its depth
    return getattr(maker, "depth", 0)


class Remade(Handle):
    """An array that its op computes again from handles of its sources, at each call. 0 bytes beyond theirs.

    It does not hold the Recipe, whose sources may be tensors: their arrays would stay alive beside the packed ones.
    """

    format = "remade"

    def __init__(self, recipe, sources):
        self._op, self._ctx, self.depth, self.sources = recipe.op, recipe.ctx, recipe.depth, sources
        self.shape, self.dtype = recipe.shape, recipe.dtype

    @property
    def made_by(self):
        return self._op.name

    def watch(self, exact):
        for source in self.sources:
            source.watch(exact)

    def changed(self):
        return any(source.changed() for source in self.sources)

    def dense(self):
        return self.writable()[0]

    def writable(self):
        sources = [source.dense() for source in self.sources]
        array = self._op.remake(self._ctx, *sources)
        own = array.base is None and all(array is not source for source in sources)  # no view, no source
        return array, own and array.flags.c_contiguous
