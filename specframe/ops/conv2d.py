"""conv2d: cross-correlation in space, for the spatial twins.

    x (rows, cols, batch, c_in)    weight k (c_out, c_in, kr, kc)    y (rows', cols', batch, c_out)

    forward    y[r, c] = sum_{i, j} x[r s - top + i, c s - left + j] @ k[i, j]          s the stride, x zero outside
    backward   gx[p, q] = sum_{r s + i = p + top, c s + j = q + left} gy[r, c] @ k[i, j]^T
               gk[i, j] = sum_{r, c} x[r s - top + i, c s - left + j]^T @ gy[r, c]
               gb = sum of gy over rows, cols, batch

Over i, j and the channels the forward is one matrix product a row (ops/_windows.py). So is gx: the convolution of gy,
its entries s apart, with the kernel turned around. The same windows of gy give gk: entry (i, j) of the kernel joins
x[p] with the gy that its mirror image sees from p. Saved: x.
"""

import numpy as np

from specframe.op import Op
from specframe.ops._windows import Windows
from specframe.tape import apply


class Conv2d(Op):
    name = "conv2d"

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        xp, (c_out, c_in, kr, kc) = ctx.xp, weight.shape
        (top, bottom), (left, right) = padding
        rows, cols = (x.shape[0] + top + bottom - kr) // stride + 1, (x.shape[1] + left + right - kc) // stride + 1
        ctx.input_shape, ctx.stride, ctx.top, ctx.left = x.shape, stride, top, left
        if ctx.needs[1]:
            ctx.save(x=x)
        ctx.save(weight=weight)
        k = xp.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(kr * kc * c_in, c_out)
        y = xp.empty((rows, cols * x.shape[2], c_out), x.dtype)
        for r, entries, patches in Windows((rows, cols), (kr, kc), stride, top, left).patches(xp, x):
            xp.matmul(patches, k[entries], out=y[r])
        if bias is not None:
            y += bias
        return y.reshape(rows, cols, x.shape[2], c_out)

    @staticmethod
    def backward(ctx, gy):
        gb = gy.sum(axis=(0, 1, 2)) if ctx.needs[2] else None
        if ctx.needs[0]:
            gx, gk = _both(ctx, gy)
        else:
            gx, gk = None, _of_kernel(ctx, gy)
        return gx, gk, gb


def _both(ctx, gy):
    """gx, and gk where it is asked for, from the windows of gy."""
    xp, weight, (rows, cols, batch, c_in) = ctx.xp, ctx["weight"].dense(), ctx.input_shape
    c_out, _, kr, kc = weight.shape
    turned = xp.ascontiguousarray(weight[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)).reshape(kr * kc * c_out, c_in)
    windows = Windows((rows, cols), (kr, kc), 1, kr - 1 - ctx.top, kc - 1 - ctx.left)
    lines, own, gk = (rows, cols * batch, c_in), False, None
    if ctx.needs[1]:
        x, own = ctx["x"].writable()
        x, gk = x.reshape(lines), xp.zeros((kr * kc * c_out, c_in), gy.dtype)
    gx = x if own else xp.empty(lines, gy.dtype)
    for p, entries, patches in windows.patches(xp, _apart(xp, gy, ctx.stride)):
        if ctx.needs[1]:
            gk[entries] += xp.matmul(patches.T, x[p])
        xp.matmul(patches, turned[entries], out=gx[p])  # in the place of x[p], which has been used
    if ctx.needs[1]:
        gk = xp.ascontiguousarray(gk.reshape(kr, kc, c_out, c_in)[::-1, ::-1].transpose(2, 3, 0, 1))
    return gx.reshape(ctx.input_shape), gk


def _of_kernel(ctx, gy):
    """gk alone, from the windows of x: no patches of gy, which has more channels where x is an image."""
    if not ctx.needs[1]:
        return None
    xp, x, (c_out, c_in, kr, kc) = ctx.xp, ctx["x"].dense(), ctx["weight"].shape
    rows, cols, batch, _ = gy.shape
    gy = gy.reshape(rows, cols * batch, c_out)
    gk = xp.zeros((kr * kc * c_in, c_out), gy.dtype)
    for r, entries, patches in Windows((rows, cols), (kr, kc), ctx.stride, ctx.top, ctx.left).patches(xp, x):
        gk[entries] += xp.matmul(patches.T, gy[r])
    return xp.ascontiguousarray(gk.reshape(kr, kc, c_in, c_out).transpose(3, 2, 0, 1))


def _apart(xp, gy, stride):
    """gy with stride - 1 rows and columns of zeros between its own."""
    if stride == 1:
        return gy
    rows, cols = ((n - 1) * stride + 1 for n in gy.shape[:2])
    apart = xp.zeros((rows, cols, *gy.shape[2:]), gy.dtype)
    apart[::stride, ::stride] = gy
    return apart


def _padding(padding, kernel):
    if padding == "same":
        return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel)
    around = ((padding, padding),) * 2 if isinstance(padding, int | np.integer) else padding
    try:
        (top, bottom), (left, right) = around
        fits = min(top, bottom, left, right) >= 0
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(
            f"conv2d: padding must be 0 or more, 'same' or ((top, bottom), (left, right)), got {padding!r}"
        )
    return (top, bottom), (left, right)


def conv2d(x, weight, bias=None, stride=1, padding=0):
    """Cross-correlation in space.

    Parameters
    ----------
    x : Tensor (rows, cols, batch, c_in), real
    weight : Tensor (c_out, c_in, kr, kc)
    bias : Tensor (c_out,) or None
    stride : int
    padding : int, "same" ((k - 1) // 2 zeros before, the rest of k - 1 after), or ((top, bottom), (left, right))

    Returns
    -------
    Tensor (rows', cols', batch, c_out), rows' = (rows + top + bottom - kr) // stride + 1

    Raises
    ------
    ValueError
        Shapes that do not fit each other, or a kernel larger than the padded map.
    """
    if x.ndim != 4 or x.dtype.kind != "f":
        raise ValueError(f"conv2d: expected real maps (rows, cols, batch, channels), got {x.shape} {x.dtype}")
    if weight.ndim != 4 or weight.shape[1] != x.shape[3] or weight.dtype != x.dtype:
        raise ValueError(
            f"conv2d: expected a weight (c_out, {x.shape[3]}, k, k) {x.dtype}, got {weight.shape} {weight.dtype}"
        )
    if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != x.dtype):
        raise ValueError(f"conv2d: expected a bias ({weight.shape[0]},) {x.dtype}, got {bias.shape} {bias.dtype}")
    if stride < 1:
        raise ValueError(f"conv2d: the stride must be 1 or more, got {stride}")
    padding = _padding(padding, weight.shape[2:])
    padded = tuple(n + sum(around) for n, around in zip(x.shape[:2], padding, strict=True))
    if padded[0] < weight.shape[2] or padded[1] < weight.shape[3]:
        raise ValueError(f"conv2d: a kernel {weight.shape[2:]} does not fit into a padded map of {padded}")
    return apply(Conv2d, x, weight, bias, stride=stride, padding=padding)
