"""Record: one op that ran, as the tape remembers it."""

from typing import Any

from specframe.arrays import array
from specframe.op import Context, Op
from specframe.tensor import Tensor


class Record:
    """Names of the inputs and of the output (`Tensor.uid`), what these looked like, and what the op saved.

    `layers` are the names of the layers that it ran in, outermost first.
    """

    __slots__ = ("completes", "ctx", "inputs", "layers", "like", "op", "output", "result")

    def __init__(
        self, op: type[Op], ctx: Context, inputs: tuple[Tensor | None, ...], output: Tensor, layers: list[str]
    ) -> None:
        self.op, self.ctx, self.output, self.layers = op, ctx, output.uid, tuple(layers)
        self.result = (output.shape, output.dtype)
        self.inputs = [None if t is None else t.uid for t in inputs]
        self.like = [None if t is None else (t.shape, t.dtype) for t in inputs]
        self.completes: list[int] = []  # leaves first used here; their gradient is final after this record

    def backward(self, gy: Any) -> list[Any]:
        """The gradients of the inputs, None where nobody asks.

        Raises
        ------
        RuntimeError
            What the op saved has changed since, or its rule gives other shapes, dtypes or numbers of gradients than it
            has inputs: for all ops it is seen here, and named.
        """
        name = self.op.name
        for saved, handle in self.ctx.saved.items():
            if handle.changed():
                raise RuntimeError(
                    f"{name}: the array it saved as {saved!r} has changed between forward and backward "
                    "(were weights, a batch or a result updated in place?)"
                )
        gradients = self.op.backward(self.ctx, array(gy))
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        if len(gradients) != len(self.inputs):
            raise RuntimeError(f"{name}: backward gave {len(gradients)} gradients for {len(self.inputs)} inputs")
        for i, (g, like, needed) in enumerate(zip(gradients, self.like, self.ctx.needs, strict=True)):
            if needed and like is not None and g is not None and (g.shape, g.dtype) != like:
                raise RuntimeError(
                    f"{name}: the gradient of input {i} is {g.shape} {g.dtype}, the input {like[0]} {like[1]}"
                )
        return [array(g) if needed else None for g, needed in zip(gradients, self.ctx.needs, strict=True)]
