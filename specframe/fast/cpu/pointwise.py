"""leaky_relu in pieces that stay in the cache; `leak` may work in place."""

from specframe.backend import CPU
from specframe.fast.register import register
from specframe.ops.pointwise import LeakyReLU


def leak(b, positive, x, slope, out=None):
    """x where positive, slope x elsewhere, in x's precision, as a new array or in `out`, which may be x."""
    if not x.ndim:
        return b.where(positive, x, x * x.dtype.type(slope))
    out = b.xp.empty(x.shape, x.dtype) if out is None else out
    for piece in b.pieces(x):
        out[piece] = b.where(positive[piece], x[piece], x[piece] * x.dtype.type(slope))
    return out


@register(LeakyReLU, CPU)
class FastLeakyReLU(LeakyReLU):
    @staticmethod
    def forward(ctx, x, slope):
        positive, ctx.slope = x > 0, slope
        ctx.save_bits(positive=positive)
        return leak(ctx.backend, positive, x, slope)

    @staticmethod
    def backward(ctx, gy):
        return leak(ctx.backend, ctx["positive"].dense(), gy, ctx.slope)

    @staticmethod
    def remake(ctx, x):
        return leak(ctx.backend, ctx["positive"].dense(), x, ctx.slope)
