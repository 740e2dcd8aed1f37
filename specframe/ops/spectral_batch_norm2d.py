"""Spectral batch normalisation: spatial batch normalisation of the padded map, computed in its spectrum.

    Y, Z (P, Q, batch, channels) on the grid P x W    gamma, beta (channels,)    N = batch,  d = sqrt(P W)

A constant map c has the single bin (0, 0), of c d (d = P W in the norm "backward"), and by Parseval the energy of a map
is sum m |Y|^2 P W / d^2, with m the column weights. So, per channel,

    training   mu = mean over the batch of Re(Y[0, 0]) / d
               Y' = Y less mu d in bin (0, 0)
               v = sum m |Y'|^2 / (N d^2),   H = Y' / sqrt(v + eps),   Z = gamma H, plus beta d in bin (0, 0)
    backward   gbeta = d sum Re(gZ[0, 0]),   ggamma = sum Re(conj(H) gZ)
               gY = gamma / sqrt(v + eps) (gZ - m H ggamma / (N d^2), less gbeta / (N d) in bin (0, 0))
    evaluation mu and v are the running ones,   gY = gamma / sqrt(v + eps) gZ

Of edge columns that are not Hermitian (those of a convolution of maps are) the Hermitian part counts, as in irfft2: Y
and gZ above stand for it, and the op is rfft2(batch_norm2d(irfft2(Y))) on the whole grid for any Y. That map includes
the padding, so mean and variance are not quite those of the cropped map. A batch in parts is as in batch_norm2d.

Saved: Y. Where spectral_conv2d made it, its recipe is followed: X and the weight are kept, Y = X K is made again.
"""

from typing import Any

from specframe import spectrum
from specframe.op import Op, check_tensors
from specframe.ops._weights import weights_on
from specframe.ops.batch_norm2d import ONE_ENTRY, statistics, sums_over_batch, total
from specframe.parts import is_cut
from specframe.spectrum import hermitian_edges
from specframe.tape import apply
from specframe.tensor import Tensor


def centred(xp, Y, s, mu):
    """Y'"""
    Y = hermitian_edges(xp, Y, s.grid[1])
    Y[0, 0] -= (mu * s.dc_gain).astype(Y.real.dtype)
    return Y


def moments(b, Y, s):
    (P, W), d, N = s.grid, s.dc_gain, Y.shape[2]
    mu = Y[0, 0].real.sum(axis=0, dtype="float64") / (max(1, N) * d)
    m = weights_on(b, W, Y.real.dtype)
    return P * W * N, mu, total(m * abs(centred(b.xp, Y, s, mu)) ** 2) * (P * W / d**2)


class SpectralBatchNorm2d(Op):
    name = "spectral_batch_norm2d"

    @staticmethod
    def forward(ctx, Y, gamma, beta, running, training, momentum, eps, s):
        ctx.spectrum = s.with_active(None)
        ctx.mu, v = statistics(ctx, lambda: moments(ctx.backend, Y, s), running, training, momentum)
        ctx.sigma = ctx.xp.sqrt(v + eps).astype(gamma.dtype)
        ctx.save(Y=Y, gamma=gamma)
        Z = gamma * (centred(ctx.xp, Y, s, ctx.mu) / ctx.sigma)
        Z[0, 0] += beta * s.dc_gain
        return Z

    @staticmethod
    def backward(ctx, gZ):
        xp, s, gamma = ctx.xp, ctx.spectrum, ctx["gamma"].dense()
        H, gZ = centred(xp, ctx["Y"].dense(), s, ctx.mu) / ctx.sigma, hermitian_edges(xp, gZ, s.grid[1])
        gbeta = s.dc_gain * gZ[0, 0].real.sum(axis=0)
        ggamma = total((xp.conj(H) * gZ).real).astype(gamma.dtype)
        if ctx.training:
            (P, W), d = s.grid, s.dc_gain
            N, m = ctx.M / (P * W), weights_on(ctx.backend, W, gamma.dtype)
            of_beta, of_gamma = sums_over_batch(ctx, gbeta, ggamma)
            gZ -= m * H * (of_gamma / (N * d**2))
            gZ[0, 0] -= of_beta / (N * d)
        return gamma / ctx.sigma * gZ, ggamma, gbeta


def spectral_batch_norm2d(
    Y: Tensor, gamma: Tensor, beta: Tensor, running: tuple[Any, Any] | None = None, training: bool = True,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalise each channel of the maps, over all grid points and the batch, without leaving the spectrum.

    Parameters
    ----------
    Y : Tensor (P, Q, batch, channels), complex, that carries its grid
    gamma, beta : Tensors (channels,), real
    running : pair of arrays (channels,), or None
        Running mean and (unbiased) variance of the padded map: updated in place in training, used in evaluation.
    momentum : float, the share of the new statistics in the running ones
    eps : float, added to the variance

    Raises
    ------
    ValueError
        Shapes or dtypes that do not fit, evaluation without running statistics, or training on one entry a channel.
    """
    op = "spectral_batch_norm2d"
    check_tensors(op, Y, gamma, beta)
    s = spectrum.of(Y, op)
    spectrum.check_half(Y, s, op)
    if gamma.shape != Y.shape[3:] or beta.shape != Y.shape[3:]:
        raise ValueError(f"{op}: {Y.shape[3]} channels, but gamma {gamma.shape} and beta {beta.shape}")
    real = Y.data.real.dtype
    if gamma.dtype != real or beta.dtype != real:
        raise ValueError(f"{op}: a {Y.dtype} spectrum needs {real} gamma and beta, got {gamma.dtype} and {beta.dtype}")
    if not training and running is None:
        raise ValueError(f"{op}: evaluation needs running statistics")
    if training and s.grid[0] * s.grid[1] * Y.shape[2] == 1 and not is_cut():
        raise ValueError(f"{op}: {ONE_ENTRY}")
    return apply(
        SpectralBatchNorm2d, Y, gamma, beta, running=running, training=training, momentum=momentum, eps=eps, s=s
    )
