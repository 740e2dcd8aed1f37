"""conv2d as one product: a kernel lays out what every window sees, row by row.

    patches[(r, c, n), (i, j, a)] = x[r s - top + i, c t - left + j, n, a]        zero outside x

    forward    y = patches of x @ k
    backward   gx convolves the stride-dilated gy with the flipped kernel:  gx = patches of gy @ flipped k
               the same patches, times x, give gk flipped:                  patches^T @ x

Where the weight alone wants a gradient, gk comes from the patches of x. The patches are kr kc times as large as the
map: they are made for as many rows at a time as BYTES hold. Saved: x.
"""

import math

import numpy as np

from specframe.backend import CUDA, Kernel
from specframe.fast.register import register
from specframe.ops.conv2d import Conv2d

BYTES = 1 << 28  # of the patches that are there at a time

PATCHES = Kernel("patches", """
struct Windows { int rows, cols, batch, channels, kr, kc, s, t, top, left, dilate_rows, dilate_cols, wide, start; };

extern "C" __global__ void patches(const real *x, real *out, long long n, const Windows w) {
    EACH(i, n) {                                     // below 2^31: 32 bits, in which a division takes a quarter
        unsigned rest = (unsigned)i;
        int a = rest % w.channels; rest /= w.channels;
        int j = rest % w.kc; rest /= w.kc;
        int row = rest % w.kr; rest /= w.kr;
        int image = rest % w.batch; rest /= w.batch;
        int col = rest % w.wide * w.t - w.left + j;
        row += (int)(rest / w.wide + w.start) * w.s - w.top;
        bool inside = row >= 0 && col >= 0 && row % w.dilate_rows == 0 && col % w.dilate_cols == 0;
        row /= w.dilate_rows;
        col /= w.dilate_cols;
        inside = inside && row < w.rows && col < w.cols;
        out[i] = inside ? x[(((long long)row * w.cols + col) * w.batch + image) * w.channels + a] : (real)0;
    }
}
""")  # fmt: skip
FIELDS = "rows cols batch channels kr kc s t top left dilate_rows dilate_cols wide start".split()


class Windows:
    """Windows (kr, kc) at r s - top, c t - left of x with dilate - 1 zeros between its rows and columns."""

    def __init__(self, x, size, kernel, stride, corner, dilate=(1, 1)):
        self.x, self.size, self.kernel, self.stride, self.corner, self.dilate = x, size, kernel, stride, corner, dilate

    def bands(self, b):
        """(rows of windows, their patches) for all rows, some at a time."""
        (rows, cols), (_, _, batch, channels) = self.size, self.x.shape
        x, width = b.xp.ascontiguousarray(self.x), math.prod(self.kernel) * channels
        if self.kernel == self.stride == self.dilate == (1, 1) and self.corner == (0, 0) and x.shape[:2] == self.size:
            yield slice(0, rows), x.reshape(-1, channels)
            return
        step = max(1, BYTES // max(1, cols * batch * width * x.itemsize))
        for start in range(0, rows, step):
            band = slice(start, min(start + step, rows))
            patches = b.xp.empty(((band.stop - start) * cols * batch, width), x.dtype)
            numbers = (*x.shape, *self.kernel, *self.stride, *self.corner, *self.dilate, cols, start)
            b.launch(PATCHES, x.dtype, patches.size, x, patches, patches.size, structure(numbers))
            yield band, patches


def structure(numbers):
    return np.array([numbers], [(name, np.int32) for name in FIELDS])


@register(Conv2d, CUDA)
class CudaConv2d(Conv2d):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        b, xp, (c_out, _, *kernel) = ctx.backend, ctx.xp, weight.shape
        size = tuple((n + sum(p) - k) // s + 1 for n, p, k, s in zip(x.shape, padding, kernel, stride, strict=False))
        ctx.input_shape, ctx.stride, ctx.corner = x.shape, tuple(stride), (padding[0][0], padding[1][0])
        if ctx.needs[1]:
            ctx.save(x=x)
        ctx.save(weight=weight)
        k = xp.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(-1, c_out)
        y = xp.empty((*size, x.shape[2], c_out), x.dtype)
        for rows, patches in Windows(x, size, tuple(kernel), ctx.stride, ctx.corner).bands(b):
            xp.matmul(patches, k, out=y[rows].reshape(-1, c_out))
        if bias is not None:
            y += bias
        return y

    @staticmethod
    def backward(ctx, gy):
        gb = gy.sum(axis=(0, 1, 2)) if ctx.needs[2] else None
        if ctx.needs[0]:
            return *_both(ctx, gy), gb
        return None, _of_kernel(ctx, gy) if ctx.needs[1] else None, gb


def _both(ctx, gy):
    """gx, and gk where it is asked for, from the patches of gy."""
    b, xp, weight, shape = ctx.backend, ctx.xp, ctx["weight"].dense(), ctx.input_shape
    c_out, c_in, *kernel = weight.shape
    flipped = xp.ascontiguousarray(weight[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)).reshape(-1, c_in)
    corner = tuple(k - 1 - before for k, before in zip(kernel, ctx.corner, strict=True))
    x = xp.ascontiguousarray(ctx["x"].dense()) if ctx.needs[1] else None
    gx, gk = xp.empty(shape, gy.dtype), None
    for rows, patches in Windows(gy, shape[:2], tuple(kernel), (1, 1), corner, ctx.stride).bands(b):
        xp.matmul(patches, flipped, out=gx[rows].reshape(-1, c_in))
        if ctx.needs[1]:
            gk = _add(gk, xp.matmul(patches.T, x[rows].reshape(-1, c_in)))
    if ctx.needs[1]:
        gk = xp.ascontiguousarray(gk.reshape(*kernel, c_out, c_in)[::-1, ::-1].transpose(2, 3, 0, 1))
    return gx, gk


def _of_kernel(ctx, gy):
    """gk alone, from the patches of x."""
    b, xp, (c_out, c_in, *kernel) = ctx.backend, ctx.xp, ctx["weight"].shape
    gy, gk = xp.ascontiguousarray(gy), None
    for rows, patches in Windows(ctx["x"].dense(), gy.shape[:2], tuple(kernel), ctx.stride, ctx.corner).bands(b):
        gk = _add(gk, xp.matmul(patches.T, gy[rows].reshape(-1, c_out)))
    return xp.ascontiguousarray(gk.reshape(*kernel, c_in, c_out).transpose(3, 2, 0, 1))


def _add(total, part):
    return part if total is None else total + part
