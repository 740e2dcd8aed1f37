"""Pooling over windows of a map, and over the whole map.

    x (rows, cols, batch, channels)  ->  y (rows', cols', batch, channels),  rows' = (rows - size) // stride + 1

With x_i the maps of the window's entries i = 0 .. size^2 - 1 in row order, x_i[r, c] = x[r stride + i // size, ...]:

    max_pool2d   forward   y = max_i x_i,  i* = the first i that reaches it
                 backward  gx_i += gy where i* = i
    avg_pool2d   forward   y = sum_i x_i / size^2
                 backward  gx_i += gy / size^2
    global_avg_pool2d      the average over all rows and columns -> (batch, channels)

Saved: i*, in as few bits as the window needs (2 for 2 x 2); the averages save nothing. Rows and columns that no window
reaches get no gradient.
"""

from specframe.op import Op
from specframe.tape import apply


def _windows(x, size, stride):
    """The views x_i, one for each entry of the window."""
    rows, cols = ((n - size) // stride + 1 for n in x.shape[:2])
    for i in range(size * size):
        top, left = divmod(i, size)
        yield x[top : top + (rows - 1) * stride + 1 : stride, left : left + (cols - 1) * stride + 1 : stride]


class MaxPool2d(Op):
    name, recompute = "max_pool2d", "block"

    @staticmethod
    def forward(ctx, x, size, stride):
        xp, ctx.shape, ctx.size, ctx.stride = ctx.xp, x.shape, size, stride
        windows = _windows(x, size, stride)
        y = next(windows).copy()
        winner = xp.zeros(y.shape, "uint8" if size <= 16 else "uint16") if ctx.recording else None
        for i, x_i in enumerate(windows, start=1):
            if ctx.recording:
                # the winner so far is below i, so the maximum of the two is i where x_i is greater; no branch
                xp.maximum(winner, (x_i > y).view("uint8") * winner.dtype.type(i), out=winner)
            xp.maximum(y, x_i, out=y)
        if ctx.recording:
            ctx.save_bits(levels=size * size, winner=winner)
        return y

    @staticmethod
    def backward(ctx, gy):
        xp, winner = ctx.xp, ctx["winner"].dense()
        tiled = ctx.stride == ctx.size and not (ctx.shape[0] % ctx.size or ctx.shape[1] % ctx.size)
        gx = (xp.empty if tiled else xp.zeros)(ctx.shape, gy.dtype)  # tiles reach every entry
        for i, gx_i in enumerate(_windows(gx, ctx.size, ctx.stride)):
            if ctx.stride >= ctx.size:  # windows do not overlap: nothing to add to
                xp.multiply(gy, winner == i, out=gx_i)
            else:
                gx_i += gy * (winner == i)
        return gx

    @staticmethod
    def remake(ctx, x):
        windows = _windows(x, ctx.size, ctx.stride)
        y = next(windows).copy()
        for x_i in windows:
            ctx.xp.maximum(y, x_i, out=y)
        return y


class AvgPool2d(Op):
    name, recompute = "avg_pool2d", "block"

    @staticmethod
    def forward(ctx, x, size, stride):
        ctx.shape, ctx.size, ctx.stride = x.shape, size, stride
        return AvgPool2d.remake(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        share = gy * gy.dtype.type(1 / ctx.size**2)
        gx = ctx.xp.zeros(ctx.shape, gy.dtype)
        for gx_i in _windows(gx, ctx.size, ctx.stride):
            gx_i += share
        return gx

    @staticmethod
    def remake(ctx, x):
        windows = _windows(x, ctx.size, ctx.stride)
        y = next(windows).copy()
        for x_i in windows:
            y += x_i
        y *= y.dtype.type(1 / ctx.size**2)
        return y


class GlobalAvgPool2d(Op):
    name, recompute = "global_avg_pool2d", "block"

    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return GlobalAvgPool2d.remake(ctx, x)

    @staticmethod
    def backward(ctx, gy):
        rows, cols = ctx.shape[:2]
        return ctx.xp.broadcast_to(gy / gy.dtype.type(rows * cols), ctx.shape)

    @staticmethod
    def remake(ctx, x):
        return x.mean(axis=(0, 1))


def _check(op, x, size, stride):
    stride = size if stride is None else stride
    if x.ndim != 4 or x.dtype.kind != "f":
        raise ValueError(f"{op}: expected real maps (rows, cols, batch, channels), got {x.shape} {x.dtype}")
    if size < 1 or stride < 1:
        raise ValueError(f"{op}: size and stride must be 1 or more, got {size} and {stride}")
    if size > min(x.shape[:2]):
        raise ValueError(f"{op}: a window of {size} x {size} does not fit into a map of {x.shape[0]} x {x.shape[1]}")
    return stride


def max_pool2d(x, size=2, stride=None):
    """The largest entry of each window; the first of equals gets the gradient.

    Parameters
    ----------
    x : Tensor (rows, cols, batch, channels), real
    size : int, side of the window
    stride : int or None; None is size

    Returns
    -------
    Tensor (rows', cols', batch, channels)

    Raises
    ------
    ValueError
        The window does not fit into the map, or a number is below 1.
    """
    return apply(MaxPool2d, x, size=size, stride=_check("max_pool2d", x, size, stride))


def avg_pool2d(x, size=2, stride=None):
    """The mean of each window; parameters, result and errors as in max_pool2d."""
    return apply(AvgPool2d, x, size=size, stride=_check("avg_pool2d", x, size, stride))


def global_avg_pool2d(x):
    """The mean of each map: (rows, cols, batch, channels) -> (batch, channels)."""
    _check("global_avg_pool2d", x, 1, 1)
    return apply(GlobalAvgPool2d, x)
