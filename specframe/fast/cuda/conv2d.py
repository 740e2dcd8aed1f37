"""conv2d as products with what the windows see, which a kernel lays out: whole windows, or a row of each at a time.

    patches[(r, c, n), (i, j, a)] = x[r s - top + i, c t - left + j, n, a]        zero outside x

    forward    y = patches of x @ k
    backward   gx convolves the stride-dilated gy with the flipped kernel:  gx = patches of gy @ flipped k
               the same patches, times x, give gk flipped:                  patches^T @ x

Where the weight alone wants a gradient, gk comes from the patches of x. Whole patches are kr kc times as large as the
map. Where they take more than WHOLE, a line of them is laid out for every row of x that a window touches; the window
at r finds its row i in line r s + i, and kr products add up:

    y[r] = sum over i of lines[r s + i] @ k[i]        lines kc times as large as the map, some rows at a time

Lines of one remainder by s stand together, so that those of all r are one matrix. Saved: x.
"""

import math

import numpy as np

from specframe.backend import CUDA, Kernel
from specframe.fast.register import register
from specframe.ops.conv2d import Conv2d

WHOLE = 1 << 22  # bytes of whole patches: below, a launch takes longer than the memory is worth
BYTES = 1 << 28  # of the lines that are there at a time
MANY = 1 << 32  # patches: an index of 32 bits does not reach them

SOURCE = """
struct Windows { int rows, cols, batch, channels, deep, kc, s, t, top, left, dilate_rows, dilate_cols, wide, high; };

extern "C" __global__ void NAME(const real *x, real *out, long long n, const Windows w) {
    EACH(i, n) {
        INDEX rest = i;
        int a = rest % w.channels; rest /= w.channels;
        int j = rest % w.kc; rest /= w.kc;
        int row = rest % w.deep; rest /= w.deep;
        int image = rest % w.batch; rest /= w.batch;
        int col = rest % w.wide * w.t - w.left + j;
        int line = rest / w.wide;                                   // line % high of the remainder line / high
        row += line % w.high * w.s + line / w.high - w.top;
        bool inside = row >= 0 && col >= 0 && row % w.dilate_rows == 0 && col % w.dilate_cols == 0;
        row /= w.dilate_rows;
        col /= w.dilate_cols;
        inside = inside && row < w.rows && col < w.cols;
        out[i] = inside ? x[(((long long)row * w.cols + col) * w.batch + image) * w.channels + a] : (real)0;
    }
}
"""
# In 32 bits a division takes a quarter.
PATCHES, LARGE = (
    Kernel(name, SOURCE.replace("NAME", name).replace("INDEX", index))
    for name, index in (("patches", "unsigned"), ("patches_large", "unsigned long long"))
)
FIELDS = "rows cols batch channels deep kc s t top left dilate_rows dilate_cols wide high".split()


class Windows:
    """Windows (kr, kc) at r s - top, c t - left of x with dilate - 1 zeros between its rows and columns."""

    def __init__(self, x, size, kernel, stride, corner, dilate=(1, 1)):
        self.x, self.size, self.kernel, self.stride, self.corner, self.dilate = x, size, kernel, stride, corner, dilate
        pixel = size[1] * math.prod(x.shape[2:]) * kernel[1] * x.itemsize  # bytes of a line, or of a row of windows
        self.deep = kernel[0] if size[0] * kernel[0] * pixel <= WHOLE else 1
        remainders = min(stride[0], kernel[0])  # by s, of the rows of a window
        self.step = size[0] if self.deep > 1 else max(1, BYTES // max(1, remainders * pixel))

    def bands(self, b):
        """(rows of windows, the matrices of their patches): one, or one for each row of the kernel."""
        (rows, cols), (kr, kc), (*_, batch, channels), s = self.size, self.kernel, self.x.shape, self.stride[0]
        x = b.xp.ascontiguousarray(self.x)
        if self.kernel == self.stride == self.dilate == (1, 1) and self.corner == (0, 0) and x.shape[:2] == self.size:
            yield slice(0, rows), [x.reshape(-1, channels)]
            return
        for start in range(0, rows, self.step):
            count = min(self.step, rows - start)
            high = count if self.deep == kr else count + (kr - 1) // s
            lines = high if self.deep == kr else high * min(s, kr)
            patches = b.xp.empty((lines, cols * batch, self.deep * kc * channels), x.dtype)
            top, left = self.corner[0] - start * s, self.corner[1]
            numbers = (*x.shape, self.deep, kc, *self.stride, top, left, *self.dilate, cols, high)
            kernel = PATCHES if patches.size < MANY else LARGE
            b.launch(kernel, x.dtype, patches.size, x, patches, patches.size, structure(numbers))
            first = [i % s * high + i // s for i in range(0, kr, self.deep)]
            yield slice(start, start + count), [patches[n : n + count].reshape(-1, patches.shape[2]) for n in first]


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
        y = xp.empty((*size, x.shape[2], c_out), x.dtype)
        k = xp.ascontiguousarray(weight.transpose(2, 3, 1, 0))  # (kr, kc, c_in, c_out)
        for rows, parts in Windows(x, size, tuple(kernel), ctx.stride, ctx.corner).bands(b):
            _add_up(b, parts, k, y[rows])
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
    flipped = xp.ascontiguousarray(weight[:, :, ::-1, ::-1].transpose(2, 3, 0, 1))
    corner = tuple(k - 1 - before for k, before in zip(kernel, ctx.corner, strict=True))
    x, own = ctx["x"].writable() if ctx.needs[1] else (None, False)
    x, gk = (xp.ascontiguousarray(x), xp.empty((*kernel, c_out, c_in), gy.dtype)) if ctx.needs[1] else (None, None)
    gx = x if own else xp.empty(shape, gy.dtype)
    for rows, parts in Windows(gy, shape[:2], tuple(kernel), (1, 1), corner, ctx.stride).bands(b):
        if ctx.needs[1]:
            _correlate(b, parts, x[rows], gk, add=rows.start > 0)
        _add_up(b, parts, flipped, gx[rows])  # in the place of x[rows], which has been used
    return gx, xp.ascontiguousarray(gk[::-1, ::-1].transpose(2, 3, 0, 1)) if ctx.needs[1] else None


def _of_kernel(ctx, gy):
    """gk alone, from the patches of x."""
    b, xp, (c_out, c_in, *kernel) = ctx.backend, ctx.xp, ctx["weight"].shape
    gy, gk = xp.ascontiguousarray(gy), xp.empty((*kernel, c_in, c_out), gy.dtype)
    for rows, parts in Windows(ctx["x"].dense(), gy.shape[:2], tuple(kernel), ctx.stride, ctx.corner).bands(b):
        _correlate(b, parts, gy[rows], gk, add=rows.start > 0)
    return xp.ascontiguousarray(gk.transpose(3, 2, 0, 1))


def _add_up(b, parts, k, y):
    """y = the sum of the products of the parts with their rows of the kernel k."""
    k, y = k.reshape(len(parts), -1, k.shape[-1]), y.reshape(-1, y.shape[-1])
    for n, part in enumerate(parts):
        b.product(part, k[n], y, add=n > 0)


def _correlate(b, parts, z, gk, add):
    """gk, or what `add`s to it: the products of the transposed parts with z, each for its rows of the kernel."""
    gk, z = gk.reshape(len(parts), -1, gk.shape[-1]), z.reshape(-1, z.shape[-1])
    for n, part in enumerate(parts):
        b.product(part, z, gk[n], adjoint_a=True, add=add)
