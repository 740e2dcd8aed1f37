"""batch_norm2d: each channel of a map, to mean beta and standard deviation |gamma| over the batch.

    x, y (rows, cols, batch, channels)    gamma, beta (channels,)    M = rows * cols * batch entries a channel

    training   mu = mean(x),  v = mean((x - mu)^2),  h = (x - mu) / sqrt(v + eps),  y = gamma h + beta
    backward   gbeta = sum(gy),  ggamma = sum(gy h)
               gx = gamma / sqrt(v + eps) (gy - gbeta / M - h ggamma / M)
    evaluation y = gamma (x - running mean) / sqrt(running variance + eps) + beta,  gx = gamma / sqrt(...) gy

Saved: the output y, which the next op often saves anyway, not the input: h = (y - beta) / gamma inverts the affine map.
Where some |gamma| is below GAMMA_MIN the division would amplify rounding, and h itself is saved for all channels.

Maps are the largest things alive in a step, and this op would hold four at a time: so it works in place wherever an
array is its own, and sums products of maps row by row.
"""

import numpy as np

from specframe.effects import once
from specframe.tape import Op, apply

GAMMA_MIN = 1e-2  # h from y loses two digits at this gamma (for beta of order 1); float32 has seven


def update_running(running, mean, variance, count, momentum):
    """Move the running mean and the running unbiased variance, in place."""
    for kept, now in zip(running, (mean, variance * (count / max(1, count - 1))), strict=True):
        kept *= kept.dtype.type(1 - momentum)
        kept += now.astype(kept.dtype) * kept.dtype.type(momentum)


def sum_of_products(b, x, y):
    """Per channel, sum of x y over rows, columns and batch; no third map on the CPU, one pass on a device."""
    if b.asynchronous:
        return (x * y).sum(axis=(0, 1, 2))
    return sum((x[row] * y[row]).sum(axis=(0, 1)) for row in range(len(x)))


def normalise(ctx, x, running, training, momentum, eps):
    """h, a new array; notes on ctx what `gradients` needs."""
    axes = (0, 1, 2)
    if training:
        count = x[..., 0].size
        mean = x.mean(axis=axes)
        h = x - mean
        variance = sum_of_products(ctx.backend, h, h) / x.dtype.type(count)
        if running is not None:
            once(lambda: update_running(running, mean, variance, count, momentum))
    else:
        mean, variance = (array.astype(x.dtype, copy=False) for array in running)
        h = x - mean
    ctx.training, ctx.inverse = training, 1 / ctx.xp.sqrt(variance + x.dtype.type(eps))
    h *= ctx.inverse
    return h


def gradients(ctx, gy, h, gamma):
    """gx (None where nobody asks), ggamma and gbeta. gx takes the place of h."""
    gbeta = gy.sum(axis=(0, 1, 2))
    ggamma = sum_of_products(ctx.backend, gy, h)
    gx = None
    if ctx.needs[0] and ctx.training:
        count = gy.dtype.type(gy[..., 0].size)
        gx = h
        gx *= -ggamma / count
        gx += gy
        gx -= gbeta / count
        gx *= gamma * ctx.inverse
    elif ctx.needs[0]:
        gx = gy * (gamma * ctx.inverse)
    return gx, ggamma, gbeta


def affine(ctx, h, gamma, beta):
    """gamma h + beta, in the place of h unless h has to be saved: where some gamma is too small to divide by."""
    ctx.save(gamma=gamma, beta=beta)
    ctx.from_output = not ctx.recording or float(ctx.xp.abs(gamma).min()) >= GAMMA_MIN
    if not ctx.from_output:
        ctx.save(h=h)
        h = h.copy()
    h *= gamma
    h += beta
    return h


def inverse_affine(ctx, y, gamma):
    """h of y, a new array."""
    h = y - ctx["beta"].dense()
    h /= gamma
    return h


class BatchNorm2d(Op):
    name = "batch_norm2d"

    @staticmethod
    def forward(ctx, x, gamma, beta, running, training, momentum, eps):
        h = normalise(ctx, x, running, training, momentum, eps)
        y = affine(ctx, h, gamma, beta)
        if ctx.from_output:
            ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        gamma = ctx["gamma"].dense()
        h = inverse_affine(ctx, ctx["y"].dense(), gamma) if ctx.from_output else ctx["h"].dense().copy()
        return gradients(ctx, gy, h, gamma)


def check(op, x, gamma, beta, running, training):
    """Refuse what does not fit together, by the name of the op."""
    if x.ndim != 4 or x.dtype.kind != "f":
        raise ValueError(f"{op}: expected real maps (rows, cols, batch, channels), got {x.shape} {x.dtype}")
    if gamma.shape != x.shape[3:] or beta.shape != x.shape[3:]:
        raise ValueError(f"{op}: {x.shape[3]} channels, but gamma {gamma.shape} and beta {beta.shape}")
    if gamma.dtype != x.dtype or beta.dtype != x.dtype:
        raise ValueError(f"{op}: the maps are {x.dtype}, but gamma {gamma.dtype} and beta {beta.dtype}")
    if not training and running is None:
        raise ValueError(f"{op}: evaluation needs running statistics")
    if training and int(np.prod(x.shape[:3])) < 2:
        raise ValueError(f"{op}: training needs more than one entry a channel")


def batch_norm2d(x, gamma, beta, running=None, training=True, momentum=0.1, eps=1e-5):
    """Normalise each channel over rows, columns and batch.

    Parameters
    ----------
    x : Tensor (rows, cols, batch, channels), real
    gamma, beta : Tensors (channels,)
    running : pair of arrays (channels,), or None
        Running mean and (unbiased) variance: updated in place in training, used in evaluation.
    momentum : float, the share of the new statistics in the running ones
    eps : float, added to the variance

    Raises
    ------
    ValueError
        Shapes that do not fit, evaluation without running statistics, or training on one entry a channel.
    """
    check("batch_norm2d", x, gamma, beta, running, training)
    return apply(BatchNorm2d, x, gamma, beta, running=running, training=training, momentum=momentum, eps=eps)
