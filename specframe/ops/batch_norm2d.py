"""batch_norm2d: each channel of a map, to mean beta and standard deviation |gamma| over the batch.

    x, y (rows, cols, batch, channels)    gamma, beta (channels,)    M = rows * cols * batch entries a channel

    training   mu = mean(x),  v = mean((x - mu)^2),  h = (x - mu) / sqrt(v + eps),  y = gamma h + beta
    backward   gbeta = sum(gy),  ggamma = sum(gy h)
               gx = gamma / sqrt(v + eps) (gy - gbeta / M - h ggamma / M)
    evaluation y = gamma (x - running mean) / sqrt(running variance + eps) + beta,  gx = gamma / sqrt(...) gy

Saved: the output y, which the next op often saves anyway, not the input: h = (y - beta) / gamma inverts the affine map.
Where some |gamma| is below GAMMA_MIN the division would amplify rounding, and h itself is saved for all channels.
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


def normalise(ctx, x, running, training, momentum, eps):
    """h, a new array; notes on ctx what `gradients` needs."""
    axes = (0, 1, 2)
    if training:
        count = x[..., 0].size
        mean = x.mean(axis=axes)
        h = x - mean
        variance = ctx.xp.square(h).mean(axis=axes)
        if running is not None:
            once(lambda: update_running(running, mean, variance, count, momentum))
    else:
        mean, variance = (array.astype(x.dtype, copy=False) for array in running)
        h = x - mean
    ctx.training, ctx.inverse = training, 1 / ctx.xp.sqrt(variance + x.dtype.type(eps))
    h *= ctx.inverse
    return h


def gradients(ctx, gy, h, gamma):
    """gx (None where nobody asks), ggamma and gbeta."""
    axes = (0, 1, 2)
    gbeta = gy.sum(axis=axes)
    ggamma = (gy * h).sum(axis=axes)
    gx = None
    if ctx.needs[0]:
        gx = gy
        if ctx.training:
            count = gy.dtype.type(gy[..., 0].size)
            gx = gy - gbeta / count - h * (ggamma / count)
        gx = gx * (gamma * ctx.inverse)
    return gx, ggamma, gbeta


def save_output_or_h(ctx, h, gamma, beta, **output):
    """Keep the output, from which the affine map is inverted, or h where some gamma is too small for that."""
    if ctx.recording:
        ctx.from_output = float(ctx.xp.abs(gamma).min()) >= GAMMA_MIN
        ctx.save(gamma=gamma, beta=beta, **(output if ctx.from_output else {"h": h}))


class BatchNorm2d(Op):
    name = "batch_norm2d"

    @staticmethod
    def forward(ctx, x, gamma, beta, running, training, momentum, eps):
        h = normalise(ctx, x, running, training, momentum, eps)
        y = h * gamma + beta
        save_output_or_h(ctx, h, gamma, beta, y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        gamma = ctx["gamma"].dense()
        h = (ctx["y"].dense() - ctx["beta"].dense()) / gamma if ctx.from_output else ctx["h"].dense()
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
