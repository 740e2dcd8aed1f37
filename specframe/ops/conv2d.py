"""conv2d: cross-correlation in space, for the spatial twins.

    x (rows, cols, batch, c_in)    weight k (c_out, c_in, kr, kc)    y (rows', cols', batch, c_out)

With x zero-padded and patches[r, c] the (batch, kr * kc * c_in) entries that window (r, c) sees:

    forward    y[r, c] = patches[r, c] @ k                 k as a (kr * kc * c_in, c_out) matrix
    backward   gk = sum_r patches[r]^T @ gy[r]
               gx[window (r, c)] += gy[r, c] @ k^T         the adjoint of cutting patches adds them back
               gb = sum of gy over rows, cols, batch

The patches of a few output rows at a time are laid out and multiplied, so the copy stays small. Saved: x.
"""

import numpy as np

from specframe.tape import Op, apply

PATCH_ENTRIES = 1 << 18  # entries of the patch copy at a time: 1 MB of float32, about a core's second-level cache


def _pad(xp, x, padding):
    (top, bottom), (left, right) = padding
    if not any((top, bottom, left, right)):
        return x
    rows, cols = x.shape[:2]
    padded = xp.zeros((rows + top + bottom, cols + left + right, *x.shape[2:]), x.dtype)
    padded[top : top + rows, left : left + cols] = x
    return padded


def _bands(shape, kernel, stride):
    """Slices of output rows whose patches together hold about PATCH_ENTRIES."""
    rows, cols = ((n - k) // stride + 1 for n, k in zip(shape[:2], kernel, strict=True))
    step = max(1, PATCH_ENTRIES // (cols * shape[2] * shape[3] * kernel[0] * kernel[1]))
    return rows, cols, [(r, min(r + step, rows)) for r in range(0, rows, step)]


def _patches(xp, padded, band, cols, kernel, stride):
    """(entries of the band, kr * kc * c_in): one row for each output position and image."""
    (first, last), (kr, kc) = band, kernel
    count, (_, _, batch, c_in) = last - first, padded.shape
    out = xp.empty((count, cols, batch, kr, kc, c_in), padded.dtype)
    for i in range(kr):
        for j in range(kc):
            top = first * stride + i
            out[:, :, :, i, j] = padded[top : top + (count - 1) * stride + 1 : stride,
                                        j : j + (cols - 1) * stride + 1 : stride]  # fmt: skip
    return out.reshape(count * cols * batch, kr * kc * c_in)


class Conv2d(Op):
    name = "conv2d"

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        xp, kernel = ctx.xp, weight.shape[2:]
        ctx.stride, ctx.padding, ctx.shape = stride, padding, x.shape
        if ctx.needs[1]:
            ctx.save(x=x)
        ctx.save(weight=weight)
        c_out, batch = weight.shape[0], x.shape[2]
        matrix = xp.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(-1, c_out)
        padded = _pad(xp, x, padding)
        rows, cols, bands = _bands(padded.shape, kernel, stride)
        y = xp.empty((rows, cols, batch, c_out), x.dtype)
        for band in bands:
            patches = _patches(xp, padded, band, cols, kernel, stride)
            xp.matmul(patches, matrix, out=y[slice(*band)].reshape(-1, c_out))
        if bias is not None:
            y += bias
        return y

    @staticmethod
    def backward(ctx, gy):
        xp, stride, weight = ctx.xp, ctx.stride, ctx["weight"].dense()
        c_out, c_in, kr, kc = weight.shape
        gx = gk = gb = None
        if ctx.needs[2]:
            gb = gy.sum(axis=(0, 1, 2))
        (top, bottom), (left, right) = ctx.padding
        rows_in, cols_in, batch = ctx.shape[:3]
        padded_shape = (rows_in + top + bottom, cols_in + left + right, batch, c_in)
        rows, cols, bands = _bands(padded_shape, (kr, kc), stride)

        # ==== gk ====
        if ctx.needs[1]:
            padded = _pad(xp, ctx["x"].dense(), ctx.padding)
            gk = xp.zeros((kr * kc * c_in, c_out), gy.dtype)
            for band in bands:
                patches = _patches(xp, padded, band, cols, (kr, kc), stride)
                gk += xp.matmul(patches.T, gy[slice(*band)].reshape(-1, c_out))
            gk = xp.ascontiguousarray(gk.reshape(kr, kc, c_in, c_out).transpose(3, 2, 0, 1))

        # ==== gx ====
        if ctx.needs[0]:
            gpadded = xp.zeros(padded_shape, gy.dtype)
            for i in range(kr):
                for j in range(kc):
                    window = gpadded[i : i + (rows - 1) * stride + 1 : stride, j : j + (cols - 1) * stride + 1 : stride]
                    window += xp.matmul(gy.reshape(-1, c_out), weight[:, :, i, j]).reshape(window.shape)
            gx = xp.ascontiguousarray(gpadded[top : top + rows_in, left : left + cols_in])
        return gx, gk, gb


def _padding(padding, kernel):
    if padding == "same":
        return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel)
    if isinstance(padding, int | np.integer):
        return ((padding, padding),) * 2
    (top, bottom), (left, right) = padding
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
        raise ValueError(f"conv2d: expected a weight (c_out, {x.shape[3]}, k, k) {x.dtype}, got {weight.shape} {weight.dtype}")
    if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != x.dtype):
        raise ValueError(f"conv2d: expected a bias ({weight.shape[0]},) {x.dtype}, got {bias.shape} {bias.dtype}")
    if stride < 1:
        raise ValueError(f"conv2d: the stride must be 1 or more, got {stride}")
    padding = _padding(padding, weight.shape[2:])
    padded = tuple(n + sum(around) for n, around in zip(x.shape[:2], padding, strict=True))
    if padded[0] < weight.shape[2] or padded[1] < weight.shape[3]:
        raise ValueError(f"conv2d: a kernel {weight.shape[2:]} does not fit into a padded map of {padded}")
    return apply(Conv2d, x, weight, bias, stride=stride, padding=padding)
