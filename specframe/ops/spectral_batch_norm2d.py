"""Spectral batch normalisation: spatial batch normalisation of the padded map, computed in its spectrum.

    Y, Z (P, Q, batch, channels) on the grid P x W    gamma, beta (channels,)    N = batch

A constant map c has the single bin (0, 0), of c d, with d = sqrt(P W) in the ortho norm and P W without; and by
Parseval the energy of a map is sum m |Y|^2 P W / d^2, with m the column weights. So, per channel,

    training   mu = mean over the batch of Re(Y[0, 0]) / d
               Y' = Y less mu d in bin (0, 0)
               v = sum m |Y'|^2 / (N d^2),   H = Y' / sqrt(v + eps),   Z = gamma H, plus beta d in bin (0, 0)
    backward   gbeta = d sum Re(gZ[0, 0]),   ggamma = sum Re(conj(H) gZ)
               gY = gamma / sqrt(v + eps) (gZ - gbeta / (N d) in bin (0, 0) - m H ggamma / (N d^2))
    evaluation mu and v are the running ones,   gY = gamma / sqrt(v + eps) gZ

The energy is that of Y', never the difference of two large sums. Of edge columns that are not Hermitian (those of a
convolution of maps are) the Hermitian part counts, as in irfft2: Y and gY above stand for it, and the op is
rfft2(batch_norm2d(irfft2(Y))) on the whole grid for any Y. That map includes the padding, so mean and variance are not
quite those of the cropped map.

Saved: Y. Where spectral_conv2d made it, its recipe is followed: X and the weight are kept, Y = X K is made again.
"""

from specframe import spectrum
from specframe.backend import hermitian_edges
from specframe.effects import once
from specframe.ops.batch_norm2d import update_running
from specframe.ops.split_activation import parts
from specframe.spectrum import column_weights
from specframe.tape import Op, apply, check_tensors


def _less_mean(b, Y, mean, s):
    """Y', of the Hermitian part of Y; a new array."""
    H = hermitian_edges(b.xp, Y, s.grid[1])
    H[0, 0] -= mean * mean.dtype.type(s.dc_gain)
    return H


def _weights(b, s, dtype):
    """m / d^2, shape (Q, 1, 1)."""
    return b.asarray((column_weights(s.grid[1]) / s.dc_gain**2).astype(dtype)[:, None, None])


def _of_both_parts(sums):
    """(..., 2 channels) -> (..., channels): what the real and the imaginary parts add up to."""
    return sums.reshape(*sums.shape[:-1], -1, 2).sum(axis=-1)


class SpectralBatchNorm2d(Op):
    name = "spectral_batch_norm2d"

    @staticmethod
    def forward(ctx, Y, gamma, beta, running, training, momentum, eps, s):
        b, xp, real = ctx.backend, ctx.xp, Y.real.dtype
        batch, d = Y.shape[2], real.type(s.dc_gain)
        ctx.carries, ctx.training = s.with_active(None), training
        if training:
            mean = Y[0, 0].real.mean(axis=0) / d
            H = _less_mean(b, Y, mean, s)
            h = parts(xp, H)
            energy = (h * h).sum(axis=(0, 2))  # (Q, 2 channels)
            variance = _of_both_parts((energy * _weights(b, s, real)[..., 0]).sum(axis=0) / real.type(batch))
            if running is not None:
                count = s.grid[0] * s.grid[1] * batch
                once(lambda: update_running(running, mean, variance, count, momentum))
        else:
            mean, variance = (array.astype(real, copy=False) for array in running)
            H = _less_mean(b, Y, mean, s)
        ctx.mean, ctx.inverse = mean, 1 / xp.sqrt(variance + real.type(eps))
        if ctx.needs[1] or (ctx.needs[0] and training):
            ctx.save(Y=Y)
        ctx.save(gamma=gamma)
        H *= gamma * ctx.inverse
        H[0, 0] += beta * d
        return H

    @staticmethod
    def backward(ctx, gZ):
        b, xp, s, gamma = ctx.backend, ctx.xp, ctx.carries, ctx["gamma"].dense()
        batch, d = gZ.shape[2], gamma.dtype.type(s.dc_gain)
        gbeta = gZ[0, 0].real.sum(axis=0) * d
        gY = ggamma = H = None
        if ctx.needs[1] or (ctx.needs[0] and ctx.training):
            H = _less_mean(b, ctx["Y"].dense(), ctx.mean, s)
            H *= ctx.inverse
            ggamma = _of_both_parts((parts(xp, H) * parts(xp, gZ)).sum(axis=(0, 1, 2)))
        if ctx.needs[0]:
            gY = hermitian_edges(xp, gZ, s.grid[1])
            if ctx.training:
                gY[0, 0] -= gbeta / (batch * d)
                H *= _weights(b, s, gamma.dtype)
                H *= ggamma / gamma.dtype.type(batch)
                gY -= H
            gY *= gamma * ctx.inverse
        return gY, ggamma, gbeta


def spectral_batch_norm2d(Y, gamma, beta, running=None, training=True, momentum=0.1, eps=1e-5):
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
    if training and s.grid[0] * s.grid[1] * Y.shape[2] < 2:
        raise ValueError(f"{op}: training needs more than one entry a channel")
    return apply(
        SpectralBatchNorm2d, Y, gamma, beta, running=running, training=training, momentum=momentum, eps=eps, s=s
    )
