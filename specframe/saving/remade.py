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
    recipe = getattr(source, "recipe", None)
    return 0 if recipe is None else recipe.depth


class Remade(Handle):
    """An array that its op computes again from handles of its sources, at each call. 0 bytes beyond theirs."""

    format = "remade"

    def __init__(self, recipe, sources):
        self.recipe, self.sources = recipe, sources
        self.shape, self.dtype = recipe.shape, recipe.dtype

    @property
    def made_by(self):
        return self.recipe.op.name

    def watch(self, exact):
        for source in self.sources:
            source.watch(exact)

    def changed(self):
        return any(source.changed() for source in self.sources)

    def dense(self):
        return self.writable()[0]

    def writable(self):
        sources = [source.dense() for source in self.sources]
        array = self.recipe.op.remake(self.recipe.ctx, *sources)
        own = array.base is None and all(array is not source for source in sources)  # no view, no source
        return array, own and array.flags.c_contiguous
