"""max_pool2d without selections: NumPy branches at every entry of a `where`.

    forward    after entry i:  i* = max(i*, i where x_i > y),  y = max(y, x_i)        i* was below i
    backward   windows that do not overlap are written, not added to

A comparison with NaN is false, so a map that holds any is left to the plain body.
"""

from specframe.backend import CPU
from specframe.fast.register import register
from specframe.ops.pooling import MaxPool2d, entries


@register(MaxPool2d, CPU)
class FastMaxPool2d(MaxPool2d):
    @staticmethod
    def forward(ctx, x, size, stride):
        xp, ctx.shape, ctx.size, ctx.stride = ctx.xp, x.shape, size, stride
        if not ctx.recording:
            return FastMaxPool2d.remake(ctx, x)
        levels, views = size[0] * size[1], entries(x, size, stride)
        y = next(views).copy()
        winner = xp.zeros(y.shape, "uint8" if levels <= 256 else "uint16")
        for i, x_i in enumerate(views, start=1):
            xp.maximum(winner, (x_i > y).view("uint8") * winner.dtype.type(i), out=winner)
            xp.maximum(y, x_i, out=y)
        if xp.isnan(y.max(initial=-xp.inf)):
            return MaxPool2d.forward(ctx, x, size, stride)
        ctx.save_bits(levels=levels, winner=winner)
        return y

    @staticmethod
    def backward(ctx, gy):
        xp, winner = ctx.xp, ctx["winner"].dense()
        tiled = ctx.stride == ctx.size and not (ctx.shape[0] % ctx.size[0] or ctx.shape[1] % ctx.size[1])
        apart = ctx.stride[0] >= ctx.size[0] and ctx.stride[1] >= ctx.size[1]
        gx = (xp.empty if tiled else xp.zeros)(ctx.shape, gy.dtype)  # tiles reach every entry
        for i, gx_i in enumerate(entries(gx, ctx.size, ctx.stride)):
            if apart:
                xp.multiply(gy, winner == i, out=gx_i)
            else:
                gx_i += gy * (winner == i)
        return gx

    @staticmethod
    def remake(ctx, x):
        views = entries(x, ctx.size, ctx.stride)
        y = next(views).copy()
        for x_i in views:
            ctx.xp.maximum(y, x_i, out=y)
        return y
