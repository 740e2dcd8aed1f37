"""batch_norm2d: each channel of a map, to mean beta and standard deviation |gamma| over the batch.

    x, y (rows, cols, batch, channels)    gamma, beta (channels,)    M = rows * cols * batch entries a channel

    training   mu = mean(x),  v = mean((x - mu)^2),  h = (x - mu) / sqrt(v + eps),  y = gamma h + beta
    backward   gbeta = sum(gy),  ggamma = sum(gy h)
               gx = gamma / sqrt(v + eps) (gy - gbeta / M - h ggamma / M)
    evaluation y = gamma (x - running mean) / sqrt(running variance + eps) + beta,  gx = gamma / sqrt(...) gy

Saved: the output y, which the next op often saves anyway, not the input: h = (y - beta) / gamma inverts the affine map.
Where some |gamma| is below GAMMA_MIN the division would amplify rounding, and h itself is saved for all channels.

Where the batch comes in slices (ctx.over_batch), mu, v and M are those of all slices, and so are the two sums in
gx. Maps are the largest things alive in a step: neither direction makes another one besides its result.
"""

from typing import NamedTuple

import numpy as np

from specframe.op import Op
from specframe.ops._channels import along, channel_sums, lines, shift_and_scale
from specframe.tape import apply

GAMMA_MIN = 1e-2  # h from y loses two digits at this gamma (for beta of order 1); float32 has seven


class Moments(NamedTuple):
    """By channel: of how many entries, their mean, and the sum of their squared distances from it."""

    count: int
    mean: object
    energy: object

    @staticmethod
    def together(parts):
        """Those of several sets of entries as one. Distances from the common mean, never E[.] - mean^2 (it cancels)."""
        count = sum(part.count for part in parts)
        mean = sum(part.mean * part.mean.dtype.type(part.count / count) for part in parts)
        energy = sum(part.energy + part.count * (part.mean - mean) ** 2 for part in parts)
        return Moments(count, mean, energy)


def statistics(ctx, moments, running, training, momentum):
    """Mean and variance to normalise by. `moments()` gives those of the entries at hand, where they are needed."""
    ctx.training = training
    if not training:
        return running
    ctx.count, mean, energy = ctx.over_batch(moments(), Moments.together)
    variance = energy / mean.dtype.type(ctx.count)
    if running is not None:
        ctx.once(lambda: update_running(running, mean, variance, ctx.count, momentum))
    return mean, variance


def update_running(running, mean, variance, count, momentum):
    """Move the running mean and the running unbiased variance, in place."""
    for kept, now in zip(running, (mean, variance * (count / max(1, count - 1))), strict=True):
        kept *= kept.dtype.type(1 - momentum)
        kept += now.astype(kept.dtype) * kept.dtype.type(momentum)


def sums_over_batch(ctx, *sums):
    """gbeta and ggamma of the whole batch, which gx depends on in training; each slice returns its own as gradients."""
    return ctx.over_batch(sums, lambda parts: tuple(map(sum, zip(*parts, strict=True))))


def moments_of(b, x):
    count = x[..., 0].size
    mean = channel_sums(b, lambda x: x, x) / x.dtype.type(count)
    less = along(b.xp, mean, x.shape[2])
    return Moments(count, mean, channel_sums(b, lambda x: b.xp.square(x - less), x))


def norm_forward(ctx, x, gamma, beta, running, training, momentum, eps):
    """y, a new array. Notes on ctx what `norm_backward` needs, and saves h where gamma is too small to divide by."""
    xp, real = ctx.xp, x.dtype.type
    mean, variance = statistics(ctx, lambda: moments_of(ctx.backend, x), running, training, momentum)
    mean = mean.astype(x.dtype, copy=False)
    ctx.inverse = (1 / xp.sqrt(variance + real(eps))).astype(x.dtype, copy=False)
    ctx.save(gamma=gamma, beta=beta)
    ctx.from_output = not ctx.recording or float(xp.abs(gamma).min()) >= GAMMA_MIN
    if ctx.from_output:
        return shift_and_scale(ctx.backend, x, mean, ctx.inverse * gamma, beta)
    zero = xp.zeros_like(mean)
    h = shift_and_scale(ctx.backend, x, mean, ctx.inverse, zero)
    ctx.save(h=h)
    return shift_and_scale(ctx.backend, h, zero, gamma, beta)


def norm_backward(ctx, gy, y, own):
    """gx (None where nobody asks), ggamma and gbeta. y is None where h was saved; gx takes its place if it is `own`."""
    b, xp, gamma = ctx.backend, ctx.xp, ctx["gamma"].dense()
    if ctx.from_output:  # h = (v - shift) / slope
        v, shift, slope = y, ctx["beta"].dense(), gamma
    else:
        (v, own), shift, slope = ctx["h"].writable(), xp.zeros_like(gamma), xp.ones_like(gamma)
    shift_along = along(xp, shift, gy.shape[2])
    gbeta = channel_sums(b, lambda g: g, gy)
    ggamma = channel_sums(b, lambda v, g: (v - shift_along) * g, v, gy) / slope
    gx = None
    if ctx.needs[0] and not ctx.training:
        gx = gy * (gamma * ctx.inverse)
    elif ctx.needs[0]:
        all_gbeta, all_ggamma = sums_over_batch(ctx, gbeta, ggamma)
        scale, count = gamma * ctx.inverse, gy.dtype.type(ctx.count)
        of_h, constant = -scale * all_ggamma / (slope * count), -scale * all_gbeta / count
        gx = shift_and_scale(b, v, shift, of_h, constant, out=v if own else None)
        scale, target, source = along(xp, scale, gy.shape[2]), lines(gx), lines(gy)
        for piece in b.pieces(target):
            target[piece] += source[piece] * scale
    return gx, ggamma, gbeta


class BatchNorm2d(Op):
    name = "batch_norm2d"

    @staticmethod
    def forward(ctx, x, gamma, beta, running, training, momentum, eps):
        y = norm_forward(ctx, x, gamma, beta, running, training, momentum, eps)
        if ctx.from_output:
            ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        return norm_backward(ctx, gy, *(ctx["y"].writable() if ctx.from_output else (None, False)))


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
