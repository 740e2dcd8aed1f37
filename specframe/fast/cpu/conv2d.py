"""conv2d by windows: one matrix product an output row (_windows.py).

    forward    y[r] = patches of x at row r @ k
    backward   gx convolves the stride-dilated gy with the flipped kernel:  gx[p] = patches of gy at row p @ flipped k
               the same windows, times x, give gk flipped:                  sum over p of patches^T @ x[p]

Where the weight alone wants a gradient, gk comes from the windows of x instead: no patches of gy, which has more
channels where x is an image. Saved: x.
"""

from specframe.backend import CPU
from specframe.fast.cpu._windows import Windows
from specframe.fast.register import register
from specframe.ops.conv2d import Conv2d


@register(Conv2d, CPU)
class FastConv2d(Conv2d):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        xp, (c_out, c_in, kr, kc) = ctx.xp, weight.shape
        (top, bottom), (left, right) = padding
        rows, cols = (
            (x.shape[0] + top + bottom - kr) // stride[0] + 1,
            (x.shape[1] + left + right - kc) // stride[1] + 1,
        )
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
    flipped = xp.ascontiguousarray(weight[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)).reshape(kr * kc * c_out, c_in)
    windows = Windows((rows, cols), (kr, kc), (1, 1), kr - 1 - ctx.top, kc - 1 - ctx.left)
    lines, own, gk = (rows, cols * batch, c_in), False, None
    if ctx.needs[1]:
        x, own = ctx["x"].writable()
        x, gk = x.reshape(lines), xp.zeros((kr * kc * c_out, c_in), gy.dtype)
    gx = x if own else xp.empty(lines, gy.dtype)
    for p, entries, patches in windows.patches(xp, _dilated(xp, gy, ctx.stride)):
        if ctx.needs[1]:
            gk[entries] += xp.matmul(patches.T, x[p])
        xp.matmul(patches, flipped[entries], out=gx[p])  # in the place of x[p], which has been used
    if ctx.needs[1]:
        gk = xp.ascontiguousarray(gk.reshape(kr, kc, c_out, c_in)[::-1, ::-1].transpose(2, 3, 0, 1))
    return gx.reshape(ctx.input_shape), gk


def _of_kernel(ctx, gy):
    """gk alone, from the windows of x."""
    if not ctx.needs[1]:
        return None
    xp, x, (c_out, c_in, kr, kc) = ctx.xp, ctx["x"].dense(), ctx["weight"].shape
    rows, cols, batch, _ = gy.shape
    gy = gy.reshape(rows, cols * batch, c_out)
    gk = xp.zeros((kr * kc * c_in, c_out), gy.dtype)
    for r, entries, patches in Windows((rows, cols), (kr, kc), ctx.stride, ctx.top, ctx.left).patches(xp, x):
        gk[entries] += xp.matmul(patches.T, gy[r])
    return xp.ascontiguousarray(gk.reshape(kr, kc, c_in, c_out).transpose(3, 2, 0, 1))


def _dilated(xp, gy, stride):
    """gy with s - 1 rows and t - 1 columns of zeros between its own."""
    s, t = stride
    if s == t == 1:
        return gy
    dilated = xp.zeros(((gy.shape[0] - 1) * s + 1, (gy.shape[1] - 1) * t + 1, *gy.shape[2:]), gy.dtype)
    dilated[::s, ::t] = gy
    return dilated
