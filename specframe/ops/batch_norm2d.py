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

from specframe.tape import Op, apply

GAMMA_MIN = 1e-2  # h from y loses two digits at this gamma (for beta of order 1); float32 has seven


def update_running(running, mean, variance, count, momentum):
    """Move the running mean and the running unbiased variance, in place."""
    for kept, now in zip(running, (mean, variance * (count / max(1, count - 1))), strict=True):
        kept *= kept.dtype.type(1 - momentum)
        kept += now.astype(kept.dtype) * kept.dtype.type(momentum)


class BatchNorm2d(Op):
    name = "batch_norm2d"

    @staticmethod
    def forward(ctx, x, gamma, beta, running, training, momentum, eps):
        xp, axes = ctx.xp, (0, 1, 2)
        ctx.training = training
        if training:
            count = x[..., 0].size
            mean = x.mean(axis=axes)
            h = x - mean
            variance = xp.square(h).mean(axis=axes)
            if running is not None:
                update_running(running, mean, variance, count, momentum)
        else:
            mean, variance = (array.astype(x.dtype, copy=False) for array in running)
            h = x - mean
        inverse = 1 / xp.sqrt(variance + x.dtype.type(eps))
        h *= inverse
        ctx.inverse = inverse
        y = h * gamma + beta
        ctx.save(gamma=gamma, beta=beta)
        if ctx.recording:
            ctx.from_output = float(xp.abs(gamma).min()) >= GAMMA_MIN
            ctx.save(**({"y": y} if ctx.from_output else {"h": h}))
        return y

    @staticmethod
    def backward(ctx, gy):
        gamma, axes = ctx["gamma"].dense(), (0, 1, 2)
        h = (ctx["y"].dense() - ctx["beta"].dense()) / gamma if ctx.from_output else ctx["h"].dense()
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
    if x.ndim != 4 or x.dtype.kind != "f":
        raise ValueError(f"batch_norm2d: expected real maps (rows, cols, batch, channels), got {x.shape} {x.dtype}")
    if gamma.shape != x.shape[3:] or beta.shape != x.shape[3:]:
        raise ValueError(f"batch_norm2d: {x.shape[3]} channels, but gamma {gamma.shape} and beta {beta.shape}")
    if gamma.dtype != x.dtype or beta.dtype != x.dtype:
        raise ValueError(f"batch_norm2d: the maps are {x.dtype}, but gamma {gamma.dtype} and beta {beta.dtype}")
    if not training and running is None:
        raise ValueError("batch_norm2d: evaluation needs running statistics")
    if training and int(np.prod(x.shape[:3])) < 2:
        raise ValueError("batch_norm2d: training needs more than one entry a channel")
    return apply(BatchNorm2d, x, gamma, beta, running=running, training=training, momentum=momentum, eps=eps)
