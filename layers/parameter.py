"""Parameter: a Tensor that is trained."""

from typing import Any

from specframe.tensor import Tensor


class Parameter(Tensor):
    """A leaf Tensor that requires a gradient and belongs to a module."""

    __slots__ = ()

    def __init__(self, array: Any) -> None:
        super().__init__(array, requires_grad=True)
