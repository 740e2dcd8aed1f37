"""batch_norm2d that keeps its output y, not a map of its own: the next op often saves y anyway.

    h = (y - beta) / gamma,  where y is good enough for that;  gx = y of_y + gy gamma / sqrt(v + eps) + constant

y is rounded to eps32 |y|, so h comes back to eps32 (|h| + |beta / gamma|), where h itself would be known to eps32 |h|
or so. A channel in which |beta / gamma| is more than LIMIT times the deviation of h is lost; its h is saved besides.
Where v = 0 all of h is 0 and y is beta, exactly: such a channel is lost only if gamma is 0.

Maps are the largest things alive in a step: neither direction makes another one besides its result.
"""

from specframe.backend import CPU
from specframe.fast.cpu._channels import along, by_channel, channel_sums, lines, shift_and_scale
from specframe.fast.register import register
from specframe.ops.batch_norm2d import BatchNorm2d, statistics, sums_over_batch

LIMIT = 4
SMALLEST = 1e-30  # of |gamma|: below it gamma h loses digits as it leaves the range of float32


def moments_of(b, x):
    """A mean that is nearly right is taken off first, and the mean of the rest added: exact for a constant map."""
    xp, (rows, cols, batch, channels) = b.xp, x.shape
    M, near = max(1, rows * cols * batch), by_channel(lines(x).sum(axis=(0, 1)), channels)
    near = near / x.dtype.type(M)
    less = along(xp, near, batch)

    def rest(x):
        rest = x - less
        yield rest
        yield xp.square(rest, out=rest)

    off, energy = channel_sums(b, rest, x)
    off /= M
    return rows * cols * batch, near + off, xp.maximum(energy - M * off**2, 0)


def lost_channels(xp, gamma, beta, v, eps, training):
    """Numbers of the channels in which h cannot be had from y; the host waits for them."""
    gamma, beta = abs(gamma), abs(beta)
    deviation = xp.sqrt(v / (v + eps)) if training else 1
    kept = (gamma > SMALLEST) & ((beta <= LIMIT * deviation * gamma) | (training and v == 0))
    return xp.flatnonzero(~kept)


def norm_forward(ctx, x, gamma, beta, running, training, momentum, eps):
    """y, a new array, for the op to save; what `norm_backward` needs besides is saved here."""
    xp = ctx.xp
    mean, v = statistics(ctx, lambda: moments_of(ctx.backend, x), running, training, momentum)
    mean, ctx.inverse = mean.astype(x.dtype), (1 / xp.sqrt(v + eps)).astype(x.dtype)
    ctx.save(gamma=gamma, beta=beta)
    ctx.lost = lost_channels(xp, gamma, beta, v, eps, training) if ctx.recording else ()
    if len(ctx.lost):
        ctx.save(h=(x[..., ctx.lost] - mean[ctx.lost]) * ctx.inverse[ctx.lost])
    return shift_and_scale(ctx.backend, x, mean, ctx.inverse * gamma, beta)


def norm_backward(ctx, gy, y, own):
    """gx (None where nobody asks), ggamma and gbeta. Where y is `own`, gx takes its place."""
    b, xp, gamma, shift = ctx.backend, ctx.xp, ctx["gamma"].dense(), ctx["beta"].dense()
    v, slope = y, gamma  # h = (v - shift) / slope
    if len(ctx.lost):
        v, own, shift, slope = y if own else y.copy(), True, shift.copy(), slope.copy()
        v[..., ctx.lost], shift[ctx.lost], slope[ctx.lost] = ctx["h"].dense(), 0, 1
    less = along(xp, shift, gy.shape[2])
    gbeta, ggamma = channel_sums(b, lambda v, g: (g, (v - less) * g), v, gy)
    gbeta, ggamma = gbeta.astype(gy.dtype), (ggamma / slope).astype(gy.dtype)
    gx = None
    if ctx.needs[0] and not ctx.training:
        gx = gy * (gamma * ctx.inverse)
    elif ctx.needs[0]:
        mean_gy, mean_gyh = (s / ctx.M for s in sums_over_batch(ctx, gbeta, ggamma))
        scale = gamma * ctx.inverse
        gx = shift_and_scale(b, v, shift, -scale * mean_gyh / slope, -scale * mean_gy, out=v if own else None)
        scale, target, source = along(xp, scale, gy.shape[2]), lines(gx), lines(gy)
        for piece in b.pieces(target):
            target[piece] += source[piece] * scale
    return gx, ggamma, gbeta


@register(BatchNorm2d, CPU)
class FastBatchNorm2d(BatchNorm2d):
    @staticmethod
    def forward(ctx, x, gamma, beta, running, training, momentum, eps):
        y = norm_forward(ctx, x, gamma, beta, running, training, momentum, eps)
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        return norm_backward(ctx, gy, *ctx["y"].writable())
