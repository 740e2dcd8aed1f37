"""batch_norm2d: each channel of a map, to mean beta and standard deviation |gamma| over the batch.

    x, y (rows, cols, batch, channels)    gamma, beta (channels,)    M = rows * cols * batch entries a channel

    training   mu = mean(x),  v = mean((x - mu)^2),  h = (x - mu) / sqrt(v + eps),  y = gamma h + beta
    backward   gbeta = sum(gy),  ggamma = sum(gy h)
               gx = gamma / sqrt(v + eps) (gy - mean(gy) - h mean(gy h))
    evaluation mu and v are the running ones and do not depend on x:  gx = gamma / sqrt(v + eps) gy

Means and sums go over rows, columns and batch. Where the batch comes in parts, they go over all parts
(`ctx.over_batch`); and where a part runs twice, the running statistics move once (`ctx.once`). Saved: h.
"""

import math
from typing import Any

from specframe.op import Op
from specframe.ops._maps import check_maps
from specframe.parts import is_cut
from specframe.tape import apply
from specframe.tensor import Tensor

ONE_ENTRY = "training needs more than one entry a channel"


def total(z):
    """The sum of each channel, in double precision, in which the sum of a constant map is exact."""
    return z.sum(axis=(0, 1, 2), dtype="float64")


def moments(x):
    """By channel: how many entries, their mean, and the sum of their squared distances from it."""
    M = math.prod(x.shape[:3])
    mu = total(x) / max(1, M)
    return M, mu, total((x - mu.astype(x.dtype)) ** 2)


def together(parts):
    """The moments of several sets as one: distances from the common mean, never E[x^2] - mu^2, which cancels."""
    M = sum(m for m, _, _ in parts)
    mu = sum(m * mean for m, mean, _ in parts) / max(1, M)
    return M, mu, sum(energy + m * (mean - mu) ** 2 for m, mean, energy in parts)


def statistics(ctx, moments, running, training, momentum):
    """mu and v to normalise by: of the whole batch in training, from `moments()`, else the running ones."""
    ctx.training = training
    if not training:
        return running
    M, mu, energy = ctx.over_batch(moments(), together)
    if M == 1:
        raise ValueError(f"batch normalisation: {ONE_ENTRY}")
    if running is not None and M:
        ctx.once(lambda: move(running, (mu, energy / (M - 1)), momentum))
    ctx.M = float(max(1, M))  # of an empty batch nothing is known, and nothing asked
    return mu, energy / ctx.M


def move(running, batch, momentum):
    """running <- (1 - momentum) running + momentum batch, in place, for the mean and the unbiased variance."""
    for kept, now in zip(running, batch, strict=True):
        kept *= 1 - momentum
        kept += momentum * now


def sums_over_batch(ctx, *sums):
    """Sums over the whole batch from those over the part at hand."""
    return ctx.over_batch(sums, lambda parts: tuple(map(sum, zip(*parts, strict=True))))


class BatchNorm2d(Op):
    name = "batch_norm2d"

    @staticmethod
    def forward(ctx, x, gamma, beta, running, training, momentum, eps):
        mu, v = statistics(ctx, lambda: moments(x), running, training, momentum)
        ctx.sigma = ctx.xp.sqrt(v + eps).astype(x.dtype)
        h = (x - mu.astype(x.dtype)) / ctx.sigma
        ctx.save(h=h, gamma=gamma)
        return gamma * h + beta

    @staticmethod
    def backward(ctx, gy):
        h, gamma = ctx["h"].dense(), ctx["gamma"].dense()
        gbeta, ggamma = total(gy).astype(gy.dtype), total(gy * h).astype(gy.dtype)
        if ctx.training:
            mean_gy, mean_gyh = (s / ctx.M for s in sums_over_batch(ctx, gbeta, ggamma))
            gy = gy - mean_gy - h * mean_gyh
        return gamma / ctx.sigma * gy, ggamma, gbeta


def check(op: str, x: Tensor, gamma: Tensor, beta: Tensor, running: Any, training: bool) -> None:
    """Refuse what does not fit together, by the name of the op."""
    check_maps(op, x, gamma, beta)
    if gamma.shape != x.shape[3:] or beta.shape != x.shape[3:]:
        raise ValueError(f"{op}: {x.shape[3]} channels, but gamma {gamma.shape} and beta {beta.shape}")
    if gamma.dtype != x.dtype or beta.dtype != x.dtype:
        raise ValueError(f"{op}: the maps are {x.dtype}, but gamma {gamma.dtype} and beta {beta.dtype}")
    if not training and running is None:
        raise ValueError(f"{op}: evaluation needs running statistics")
    if training and x.size == x.shape[3] and not is_cut():
        raise ValueError(f"{op}: {ONE_ENTRY}")


def batch_norm2d(
    x: Tensor, gamma: Tensor, beta: Tensor, running: tuple[Any, Any] | None = None, training: bool = True,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
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
