"""Checkpoint: a module that keeps its input only, and runs again in the backward."""

import specframe
from specframe.layers.checks import whole
from specframe.layers.module import Module
from specframe.tensor import Tensor


class Checkpoint(Module):
    """The module inside, run by sf.checkpoint: one more forward, and none of its maps kept until the backward.

    Names in the state begin with "inner.": wrap a module before its state is saved or loaded, or not at all.

    Parameters
    ----------
    inner : Module that takes Tensors and returns one
    slices : int, parts of the batch that run one after another, as in sf.checkpoint
    """

    def __init__(self, inner: Module, slices: int = 1) -> None:
        whole(self, slices=slices)
        self.inner, self.slices = inner, slices

    def forward(self, *inputs: Tensor) -> Tensor:
        return specframe.checkpoint(self.inner, *inputs, slices=self.slices)
