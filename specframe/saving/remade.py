"""Remade: an array that is computed again from what is kept anyway, by the recipe of the op that made it."""

from collections.abc import Sequence
from typing import Any

from specframe.op import Context, Op
from specframe.saving.handle import Handle
from specframe.tensor import Tensor

DEEPEST = 32  # recipes on recipes: beyond, a result is kept rather than computed again from so far back


class Recipe:
    """How a tensor is computed again: an op, its context, and the tensors or handles it was made from.

    Attributes
    ----------
    sources : Tensors, or Handles
    depth : int, how many recipes follow each other
    """

    __slots__ = ("ctx", "depth", "dtype", "op", "shape", "sources")

    def __init__(self, op: type[Op], ctx: Context, sources: Sequence[Any], like: Tensor) -> None:
        self.op, self.ctx, self.sources = op, ctx, sources
        self.shape, self.dtype = like.shape, like.dtype
        self.depth = 1 + max((depth_of(source) for source in sources), default=0)


def depth_of(source: Tensor | Handle) -> int:
    """How many recipes lie behind a tensor or a handle."""
    maker = source.recipe if isinstance(source, Tensor) else source
    return getattr(maker, "depth", 0)


class Remade(Handle):
    """An array that its op computes again from handles of its sources, at each call. 0 bytes beyond theirs.

    `sources` are the handles. The Recipe is not held: its sources may be tensors, whose arrays would stay alive beside
    the packed ones.
    """

    format = "remade"

    def __init__(self, recipe: Recipe, sources: Sequence[Any]) -> None:
        self._op, self._ctx, self.depth, self.sources = recipe.op, recipe.ctx, recipe.depth, sources
        self.shape, self.dtype = recipe.shape, recipe.dtype

    @property
    def made_by(self) -> str:
        return self._op.name

    def dense(self) -> Any:
        return self.writable()[0]

    def writable(self) -> tuple[Any, bool]:
        sources = [source.dense() for source in self.sources]
        array = self._op.remake(self._ctx, *sources)
        own = array.base is None and all(array is not source for source in sources)  # no view, no source
        return array, own and array.flags.c_contiguous

    def watch(self, exact: bool) -> None:
        for source in self.sources:
            source.watch(exact)

    def changed(self) -> bool:
        return any(source.changed() for source in self.sources)
