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
quite those of the cropped map. Where the batch comes in slices, they are those of all slices, as in batch_norm2d.

Saved: Y. Where spectral_conv2d made it, its recipe is followed: X and the weight are kept, Y = X K is made again.
"""

from specframe import spectrum
from specframe.op import Op, check_tensors
from specframe.ops._channels import along, by_channel, lines
from specframe.ops.batch_norm2d import Moments, statistics, sums_over_batch
from specframe.ops.split_activation import parts
from specframe.spectrum import column_weights, edge_columns, hermitian_part
from specframe.tape import apply

# Below, a spectrum is read as lines of reals, (P, Q, batch * channels * 2), and a number for each channel is repeated
# along the line.


def _edges(xp, Y, W, mean=None):
    """{q: Hermitian part of the edge column q, (P, batch * channels * 2)}, less the constant `mean` in bin (0, 0)."""
    edges = {q: hermitian_part(xp, Y[:, q]) for q in edge_columns(W)}
    if mean is not None:
        edges[0][0] -= mean
    return {q: parts(xp, column).reshape(len(column), -1) for q, column in edges.items()}


def _along(xp, numbers, batch):
    return along(xp, xp.repeat(numbers, 2), batch)


def _sums_by_column(b, y, edges, g=None):
    """(Q, batch * channels * 2): sums over the rows of Y' times g, or of its square."""
    g, sums = y if g is None else g, 0
    for piece in b.pieces(y):
        sums += (y[piece] * g[piece]).sum(axis=0)
    for q, column in edges.items():
        sums[q] = (column * (column if g is y else g[:, q])).sum(axis=0)
    return sums


class SpectralBatchNorm2d(Op):
    name = "spectral_batch_norm2d"

    @staticmethod
    def forward(ctx, Y, gamma, beta, running, training, momentum, eps, s):
        b, xp, real = ctx.backend, ctx.xp, Y.real.dtype
        batch, channels = Y.shape[2:]
        (P, W), d = s.grid, real.type(s.dc_gain)
        y = lines(parts(xp, Y))
        ctx.spectrum = s.with_active(None)

        def moments():
            mean = Y[0, 0].real.mean(axis=0) / d
            m = b.asarray((column_weights(W) * (P * W / s.dc_gain**2)).astype(real))
            energy = xp.matmul(m, _sums_by_column(b, y, _edges(xp, Y, W, mean * d)))
            return Moments(P * W * batch, mean, by_channel(energy, 2 * channels).reshape(channels, 2).sum(axis=1))

        normal = statistics(ctx, moments, running, training, momentum)
        mean, variance = (array.astype(real, copy=False) for array in normal)
        ctx.mean, ctx.inverse = mean, 1 / xp.sqrt(variance + real.type(eps))
        if ctx.needs[1] or (ctx.needs[0] and training):
            ctx.save(Y=Y)
        ctx.save(gamma=gamma)
        Z = xp.empty(Y.shape, Y.dtype)
        z, scale = lines(parts(xp, Z)), _along(xp, gamma * ctx.inverse, batch)
        for piece in b.pieces(y):
            xp.multiply(y[piece], scale, out=z[piece])
        for q, column in _edges(xp, Y, W, mean * d).items():
            z[:, q] = column * scale
        Z[0, 0] += beta * d
        return Z

    @staticmethod
    def backward(ctx, gZ):
        b, xp, s, gamma = ctx.backend, ctx.xp, ctx.spectrum, ctx["gamma"].dense()
        batch, (P, W), d = gZ.shape[2], s.grid, gamma.dtype.type(s.dc_gain)
        g, scale = lines(parts(xp, gZ)), gamma * ctx.inverse
        gbeta = gZ[0, 0].real.sum(axis=0) * d
        gY, ggamma, own = None, None, False
        if ctx.needs[1] or (ctx.needs[0] and ctx.training):
            Y, own = ctx["Y"].writable()
            y, edges = lines(parts(xp, Y)), _edges(xp, Y, W, ctx.mean * d)
            sums = by_channel(_sums_by_column(b, y, edges, g).sum(axis=0), 2 * len(gamma))
            ggamma = sums.reshape(-1, 2).sum(axis=1) * ctx.inverse
        if ctx.needs[0]:
            gY = Y if own else xp.empty(gZ.shape, gZ.dtype)
            out, times = lines(parts(xp, gY)), _along(xp, scale, batch)
            of_edges = {q: column * times for q, column in _edges(xp, gZ, W).items()}
            if ctx.training:
                all_gbeta, all_ggamma = sums_over_batch(ctx, gbeta, ggamma)
                images = ctx.count // (P * W)
                m = b.asarray((column_weights(W) / (s.dc_gain**2 * images)).astype(gamma.dtype))
                of_h = m[:, None] * _along(xp, -scale * ctx.inverse * all_ggamma, batch)  # the factor of Y'
                of_edges = {q: column + edges[q] * of_h[q] for q, column in of_edges.items()}
            for piece in b.pieces(out):
                here = g[piece] * times
                if ctx.training:
                    here += y[piece] * of_h
                out[piece] = here
            for q, column in of_edges.items():
                out[:, q] = column
            if ctx.training:
                gY[0, 0] -= scale * all_gbeta / (images * d)
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
