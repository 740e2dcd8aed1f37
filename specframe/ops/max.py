"""max and min over axes, and where the largest is.

    forward    y = the largest (smallest) entry
    backward   gx = gy / (number of ties) at the entries that equal y, else 0

Ties share the gradient, as in PyTorch's amax and amin: gx then depends on the numbers, not on their order. Where the
result is NaN, the NaNs among x are the ties. Saved: one bit an entry.
"""

from specframe.op import Op, check_tensors
from specframe.ops._inputs import Axis, axes_of
from specframe.tape import apply
from specframe.tensor import Tensor


class Max(Op):
    name = "max"

    @classmethod
    def forward(cls, ctx, x, axis, keepdims):
        ctx.axis = axis
        y = getattr(x, cls.name)(axis=axis, keepdims=True)
        ctx.kept = y.shape
        if ctx.recording:
            ctx.save_bits(ties=(x == y) | (x != x))
        return y if keepdims else y.reshape([n for i, n in enumerate(x.shape) if i not in axis])

    @staticmethod
    def backward(ctx, gy):
        ties = ctx["ties"].dense()
        return ties * (gy.reshape(ctx.kept) / ties.sum(axis=ctx.axis, keepdims=True, dtype=gy.dtype))


class Min(Max):
    name = "min"


def _reduced(op, x, axis, keepdims):
    axes = axes_of(op.name, x, axis)
    _check_order(op.name, x)
    if any(x.shape[i] == 0 for i in axes):
        raise ValueError(f"{op.name}: no entries along axis {axis} of {x.shape}")
    return apply(op, x, axis=axes, keepdims=keepdims)


def _check_order(op, x):
    check_tensors(op, x)
    if x.dtype.kind == "c":
        raise ValueError(f"{op}: complex numbers have no order, got {x.dtype}")


def max(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest entry along one axis, several, or (None) all of them.

    Raises
    ------
    ValueError
        There are no entries, or they are complex.
    """
    return _reduced(Max, x, axis, keepdims)


def min(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest entry; otherwise as `max`."""
    return _reduced(Min, x, axis, keepdims)


def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest entry is along an axis, or (None) in x flattened; the first of equals. It has no gradient.

    Returns
    -------
    Tensor of integers
    """
    _check_order("argmax", x)
    if axis is not None:
        (axis,) = axes_of("argmax", x, int(axis))
    if (x.size if axis is None else x.shape[axis]) == 0:
        raise ValueError(f"argmax: no entries along axis {axis} of {x.shape}")
    return Tensor(x.backend.xp.asarray(x.data.argmax(axis=axis, keepdims=keepdims)))
