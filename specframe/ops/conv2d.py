"""conv2d: cross-correlation in space, for the spatial twins.

    x (rows, cols, batch, c_in)    weight k (c_out, c_in, kr, kc)    y (rows', cols', batch, c_out)

With x zero-padded and patches[r] the (kr * kc * c_in, cols' * batch) matrix of what the windows of output row r see:

    forward    y[r] = patches[r]^T @ k                   k as a (kr * kc * c_in, c_out) matrix
    backward   gk = sum_r patches[r] @ gy[r]
               gpatches[r] = k @ gy[r]^T,  added back to where the patches were cut: the adjoint of cutting
               gb = sum of gy over rows, cols, batch

Patches are cut from maps laid out (rows, c_in, cols, batch), in long contiguous runs, for a few output rows at a time,
so that the copy stays small. Saved: x.
"""

import numpy as np

from specframe.tape import Op, apply

PATCH_ENTRIES = 1 << 19  # entries of the patches at a time, 2 MB of float32: measured best of 2^18 to 2^21


class _Windows:
    """Where the windows of a convolution lie."""

    def __init__(self, shape, kernel, stride, padding):
        (top, bottom), (left, right) = padding
        self.rows_in, self.cols_in, self.batch, self.c_in = shape
        self.kernel, self.stride, self.top, self.left = kernel, stride, top, left
        self.padded_rows, self.padded_cols = self.rows_in + top + bottom, self.cols_in + left + right
        self.rows = (self.padded_rows - kernel[0]) // stride + 1
        self.cols = (self.padded_cols - kernel[1]) // stride + 1

    def bands(self):
        """Slices of output rows whose patches together hold about PATCH_ENTRIES."""
        step = max(1, PATCH_ENTRIES // (self.kernel[0] * self.kernel[1] * self.c_in * self.cols * self.batch))
        return [slice(r, min(r + step, self.rows)) for r in range(0, self.rows, step)]

    def zeros(self, xp, dtype):
        """Zero-padded maps as (rows, c_in, cols, batch)."""
        return xp.zeros((self.padded_rows, self.c_in, self.padded_cols, self.batch), dtype)

    def inside(self, padded):
        """The part of such maps that is not padding, as a (rows, cols, batch, c_in) view."""
        rows, cols = slice(self.top, self.top + self.rows_in), slice(self.left, self.left + self.cols_in)
        return padded[rows, :, cols].transpose(0, 2, 3, 1)

    def views(self, padded, band):
        """For each kernel entry (i, j), in order, the (band, c_in, cols', batch) entries that it meets."""
        count, s = band.stop - band.start, self.stride
        for i in range(self.kernel[0]):
            top = band.start * s + i
            for j in range(self.kernel[1]):
                yield padded[top : top + (count - 1) * s + 1 : s, :, j : j + (self.cols - 1) * s + 1 : s]

    def patches(self, xp, padded, band):
        """(band, kr * kc * c_in, cols' * batch)."""
        kr, kc = self.kernel
        out = xp.empty((band.stop - band.start, kr * kc, self.c_in, self.cols, self.batch), padded.dtype)
        for entry, view in enumerate(self.views(padded, band)):
            out[:, entry] = view
        return out.reshape(len(out), kr * kc * self.c_in, self.cols * self.batch)

    def add_patches(self, padded, patches, band):
        """The adjoint of `patches`."""
        parts = patches.reshape(len(patches), -1, self.c_in, self.cols, self.batch)
        for entry, view in enumerate(self.views(padded, band)):
            view += parts[:, entry]


def _as_matrix(xp, weight):
    """(c_out, c_in, kr, kc) -> (kr * kc * c_in, c_out)"""
    return xp.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(-1, weight.shape[0])


class Conv2d(Op):
    name = "conv2d"

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        xp, c_out = ctx.xp, weight.shape[0]
        w = ctx.windows = _Windows(x.shape, weight.shape[2:], stride, padding)
        if ctx.needs[1]:
            ctx.save(x=x)
        ctx.save(weight=weight)
        matrix, padded = _as_matrix(xp, weight), w.zeros(xp, x.dtype)
        w.inside(padded)[...] = x
        y = xp.empty((w.rows, w.cols * w.batch, c_out), x.dtype)
        for band in w.bands():
            y[band] = xp.matmul(w.patches(xp, padded, band).swapaxes(1, 2), matrix)
        if bias is not None:
            y += bias
        return y.reshape(w.rows, w.cols, w.batch, c_out)

    @staticmethod
    def backward(ctx, gy):
        xp, w, weight = ctx.xp, ctx.windows, ctx["weight"].dense()
        c_out, c_in, kr, kc = weight.shape
        gy = gy.reshape(w.rows, w.cols * w.batch, c_out)
        gx = gk = gb = None
        if ctx.needs[2]:
            gb = gy.sum(axis=(0, 1))

        # ==== gk ====
        if ctx.needs[1]:
            x = ctx["x"].dense()
            padded = w.zeros(xp, gy.dtype)
            w.inside(padded)[...] = x
            del x  # a copy where it was packed: as large as padded
            gk = xp.zeros((kr * kc * c_in, c_out), gy.dtype)
            for band in w.bands():
                gk += xp.matmul(w.patches(xp, padded, band), gy[band]).sum(axis=0)
            gk = xp.ascontiguousarray(gk.reshape(kr, kc, c_in, c_out).transpose(3, 2, 0, 1))
            del padded

        # ==== gx ====
        if ctx.needs[0]:
            matrix, gpadded = _as_matrix(xp, weight), w.zeros(xp, gy.dtype)
            for band in w.bands():
                w.add_patches(gpadded, xp.matmul(matrix, gy[band].swapaxes(1, 2)), band)
            gx = xp.ascontiguousarray(w.inside(gpadded))
        return gx, gk, gb


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
