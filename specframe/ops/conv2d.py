"""conv2d: cross-correlation in space, for the spatial twins.

    x (rows, cols, batch, c_in)    y (R, C, batch, c_out)    k (kr, kc, c_in, c_out), the weight with its axes turned

With x padded by zeros and the stride s, t, for all windows r, c and all entries i, j of the kernel:

    forward    y[r, c] = bias + sum over i, j of x[r s + i, c t + j] @ k[i, j]
    backward   gx[r s + i, c t + j] += gy[r, c] @ k[i, j]^T
               gk[i, j] = sum over r, c of x[r s + i, c t + j]^T @ gy[r, c]
               gbias = sum over r, c and the batch of gy[r, c]

For one entry, x[r s + i, c t + j] of all windows at once is a slice of x with steps s, t: so forward and backward are
one loop over the entries. Saved: x.
"""

from typing import Any

import numpy as np

from specframe.op import Op
from specframe.ops._maps import check_maps, pair
from specframe.tape import apply
from specframe.tensor import Tensor


def entries(kernel, windows, stride):
    """(i, j) and where that entry of every window lies in the padded map, for each entry of the kernel."""
    (R, C), (s, t) = windows, stride
    for i, j in np.ndindex(kernel):
        yield (i, j), (slice(i, i + R * s, s), slice(j, j + C * t, t))


class Conv2d(Op):
    name = "conv2d"

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        ctx.stride, ctx.padding = stride, (*padding, (0, 0), (0, 0))
        ctx.save(x=x, weight=weight)
        x, k = ctx.xp.pad(x, ctx.padding), weight.transpose(2, 3, 1, 0)
        R, C = ((n - size) // step + 1 for n, size, step in zip(x.shape[:2], k.shape[:2], stride, strict=True))
        y = ctx.xp.zeros((R, C, x.shape[2], k.shape[3]), x.dtype)
        for ij, here in entries(k.shape[:2], (R, C), stride):
            y += x[here] @ k[ij]
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, gy):
        xp = ctx.xp
        x, k = xp.pad(ctx["x"].dense(), ctx.padding), ctx["weight"].dense().transpose(2, 3, 1, 0)
        gx, gk = xp.zeros(x.shape, x.dtype), xp.zeros(k.shape, k.dtype)
        for ij, here in entries(k.shape[:2], gy.shape[:2], ctx.stride):
            gx[here] += gy @ k[ij].T
            gk[ij] = xp.tensordot(x[here], gy, axes=((0, 1, 2), (0, 1, 2)))
        (top, bottom), (left, right) = ctx.padding[:2]
        gx = gx[top : x.shape[0] - bottom, left : x.shape[1] - right]
        return gx, gk.transpose(3, 2, 0, 1), gy.sum(axis=(0, 1, 2))


def _padding(padding, kernel):
    """((top, bottom), (left, right))"""
    if isinstance(padding, str):
        if padding != "same":
            raise ValueError(f"conv2d: unknown padding {padding!r}, expected 'same' or numbers of zeros")
        return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel)
    rows, cols = padding if isinstance(padding, tuple | list) and len(padding) == 2 else (padding, padding)
    return pair("conv2d", "padding", rows, 0), pair("conv2d", "padding", cols, 0)


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: str | int | tuple[Any, Any] = 0,
) -> Tensor:
    """Cross-correlation in space.

    Parameters
    ----------
    x : Tensor (rows, cols, batch, c_in), real
    weight : Tensor (c_out, c_in, kr, kc)
    bias : Tensor (c_out,) or None
    stride : int, or a pair for rows and columns
    padding : rows and columns of zeros around x
        int, pair for rows and columns, ((top, bottom), (left, right)), or "same": (k - 1) // 2 before, k // 2 after.

    Returns
    -------
    Tensor (R, C, batch, c_out), R = (rows + top + bottom - kr) // stride + 1

    Raises
    ------
    ValueError
        Shapes that do not fit each other, or a kernel larger than the padded map.
    """
    check_maps("conv2d", x, weight, bias)
    if weight.ndim != 4 or weight.dtype != x.dtype:
        raise ValueError(
            f"conv2d: expected a weight (c_out, c_in, kr, kc) {x.dtype}, got {weight.shape} {weight.dtype}"
        )
    if weight.shape[1] != x.shape[3]:
        raise ValueError(
            f"conv2d: a weight {weight.shape} takes {weight.shape[1]} channels, maps {x.shape} have {x.shape[3]}: "
            "their axes are (rows, cols, batch, channels)"
        )
    if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != x.dtype):
        raise ValueError(f"conv2d: expected a bias ({weight.shape[0]},) {x.dtype}, got {bias.shape} {bias.dtype}")
    stride, padding = pair("conv2d", "stride", stride), _padding(padding, weight.shape[2:])
    padded = tuple(n + sum(around) for n, around in zip(x.shape[:2], padding, strict=True))
    if padded[0] < weight.shape[2] or padded[1] < weight.shape[3]:
        raise ValueError(f"conv2d: a kernel {weight.shape[2:]} does not fit into a padded map of {padded}")
    return apply(Conv2d, x, weight, bias, stride=stride, padding=padding)
