"""getitem: x[index], with slices, integers, None, Ellipsis, arrays of integers and masks, as in NumPy.

    forward    y = x[index]
    backward   gx = 0 everywhere, and gy added at index: an entry that was taken several times gets the sum

Slices give a view. Saved: copies of the arrays in the index. An op that saves y keeps x where x is saved anyway.
"""

import math
from typing import Any

import numpy as np

from specframe import backend
from specframe.op import Op, check_tensors
from specframe.ops._scatter import scatter_add
from specframe.tape import apply
from specframe.tensor import Tensor


class GetItem(Op):
    name, recompute = "getitem", "if_kept"

    @staticmethod
    def forward(ctx, x, index):
        ctx.shape = x.shape
        ctx.index = tuple(part.copy() if _is_array(part) and ctx.recording else part for part in index)
        try:
            return x[index]
        except IndexError as error:
            raise IndexError(f"getitem: {error}; the tensor's shape is {x.shape}") from None

    @staticmethod
    def backward(ctx, gy):
        xp = ctx.xp
        if any(_is_array(part) and part.dtype != bool for part in ctx.index):  # only these can take an entry twice
            positions = xp.arange(math.prod(ctx.shape)).reshape(ctx.shape)[ctx.index]
            return scatter_add(xp, ctx.shape, positions, gy)
        gx = xp.zeros(ctx.shape, gy.dtype)
        gx[ctx.index] = gy
        return gx

    @staticmethod
    def remake(ctx, x):
        return x[ctx.index]


def _is_array(part):
    return getattr(part, "ndim", 0) > 0


def _part(b, part):
    """One part of an index, lists and Tensors as arrays."""
    if isinstance(part, list):
        part = np.asarray(part) if len(part) else np.zeros(0, np.intp)
        return b.asarray(part)
    return part.data if isinstance(part, Tensor) else part


def getitem(x: Tensor, index: Any) -> Tensor:
    """x[index].

    Parameters
    ----------
    x : Tensor
    index : what NumPy takes: slices, integers, None, Ellipsis, lists, arrays or Tensors of integers, arrays of
        booleans, or a tuple of these. Arrays are on x's device. A GPU does not notice integers out of range.

    Raises
    ------
    IndexError
        Out of range, too many parts, or no index at all.
    """
    check_tensors("getitem", x)
    parts = tuple(_part(x.backend, part) for part in (index if isinstance(index, tuple) else (index,)))
    backend.of("getitem", x.data, *(part for part in parts if _is_array(part)))
    return apply(GetItem, x, index=parts)
