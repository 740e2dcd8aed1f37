"""embedding: a row of a table for each index.

    indices (...)    weight (rows, features)    y (..., features)

    forward    y = weight[indices]
    backward   gweight = 0, and gy added to the rows at indices: a row that was taken several times gets the sum

Saved: a copy of the indices.
"""

from typing import Any

from specframe import backend
from specframe.op import Op, check_tensors
from specframe.ops._scatter import scatter_add
from specframe.tape import apply
from specframe.tensor import Tensor


class Embedding(Op):
    name = "embedding"

    @staticmethod
    def forward(ctx, weight, indices):
        ctx.shape, ctx.indices = weight.shape, indices.copy() if ctx.recording else None
        return weight[indices]

    @staticmethod
    def backward(ctx, gy):
        features = ctx.shape[1]
        first = ctx.indices.astype("int64") * features  # of each row, in the table laid flat
        return scatter_add(ctx.xp, ctx.shape, first[..., None] + ctx.xp.arange(features), gy)


def embedding(indices: Any, weight: Tensor) -> Tensor:
    """The rows of `weight` at `indices`.

    Parameters
    ----------
    indices : integer array or Tensor, any shape, on the weight's device; or nested lists
    weight : Tensor (rows, features)

    Returns
    -------
    Tensor (*indices.shape, features)

    Raises
    ------
    ValueError
        Indices that are no integers or lie outside 0 .. rows - 1, or a weight of another number of axes.
    """
    check_tensors("embedding", weight)
    if isinstance(indices, int | list | tuple):
        indices = weight.backend.asarray(indices)
    indices = indices.data if isinstance(indices, Tensor) else indices
    backend.of("embedding", weight.data, indices)
    if weight.ndim != 2:
        raise ValueError(f"embedding: expected a weight (rows, features), got {weight.shape}")
    if indices.dtype.kind not in "iu":
        raise ValueError(f"embedding: indices must be integers, got {indices.dtype}")
    if indices.size:
        low, high = int(indices.min()), int(indices.max())
        if low < 0 or high >= len(weight):
            raise ValueError(f"embedding: indices must lie in 0 .. {len(weight) - 1}, got {low if low < 0 else high}")
    return apply(Embedding, weight, indices=indices)
