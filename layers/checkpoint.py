"""Checkpoint: a module that keeps its input only, and runs again in the backward."""

from specframe.checkpoint import checkpoint
from specframe.layers.module import Module


class Checkpoint(Module):
    """The module inside, run by sf.checkpoint: one more forward, and none of its maps kept until the backward.

    Names in the state begin with "inner.": wrap a module before its state is saved or loaded, or not at all.

    Parameters
    ----------
    inner : Module that takes Tensors and returns one
    """

    def __init__(self, inner):
        self.inner = inner

    def forward(self, *inputs):
        return checkpoint(self.inner, *inputs)
