"""spectral_batch_norm2d, read as lines of reals, piece by piece; gY takes the place of Y where nobody else has it.

A spectrum is (P, Q, batch * channels * 2) here, the two parts side by side, and a number for each channel is repeated
along the line. Only the edge columns have a Hermitian part of their own; they are done apart, and last.
"""

from specframe.backend import CPU
from specframe.fast.cpu._channels import along, by_channel, lines
from specframe.fast.register import register
from specframe.ops.batch_norm2d import statistics, sums_over_batch
from specframe.ops.spectral_batch_norm2d import SpectralBatchNorm2d
from specframe.spectrum import column_weights, edge_columns, hermitian_part


def _reals(xp, Y):
    """(..., channels) complex -> (..., channels * 2) real, a view of Y if that is contiguous."""
    return xp.ascontiguousarray(Y).view(Y.real.dtype)


def _along(xp, numbers, batch):
    return along(xp, xp.repeat(numbers, 2), batch)


def _edges(xp, Y, W, mean=None):
    """{q: Hermitian part of the edge column q, (P, batch * channels * 2)}, less the constant `mean` in bin (0, 0)."""
    edges = {q: hermitian_part(xp, Y[:, q]) for q in edge_columns(W)}
    if mean is not None:
        edges[0][0] -= mean
    return {q: _reals(xp, column).reshape(len(column), -1) for q, column in edges.items()}


def _sums_by_column(b, y, edges, g=None):
    """(Q, batch * channels * 2): sums over the rows of Y' times g, or of its square."""
    g, sums = y if g is None else g, 0
    for piece in b.pieces(y):
        sums += (y[piece] * g[piece]).sum(axis=0)
    for q, column in edges.items():
        sums[q] = (column * (column if g is y else g[:, q])).sum(axis=0)
    return sums


@register(SpectralBatchNorm2d, CPU)
class FastSpectralBatchNorm2d(SpectralBatchNorm2d):
    @staticmethod
    def forward(ctx, Y, gamma, beta, running, training, momentum, eps, s):
        b, xp, real = ctx.backend, ctx.xp, Y.real.dtype
        batch, channels = Y.shape[2:]
        (P, W), d = s.grid, s.dc_gain
        y = lines(_reals(xp, Y))
        ctx.spectrum = s.with_active(None)

        def moments():
            mu = Y[0, 0].real.sum(axis=0, dtype="float64") / (max(1, batch) * d)
            m = b.asarray((column_weights(W) * (P * W / d**2)).astype(real))
            energy = xp.matmul(m, _sums_by_column(b, y, _edges(xp, Y, W, (mu * d).astype(real))))
            return P * W * batch, mu, by_channel(energy, 2 * channels).reshape(channels, 2).sum(axis=1)

        ctx.mu, v = statistics(ctx, moments, running, training, momentum)
        ctx.inverse = (1 / xp.sqrt(v + eps)).astype(real)
        if ctx.needs[1] or (ctx.needs[0] and training):
            ctx.save(Y=Y)
        ctx.save(gamma=gamma)
        Z = xp.empty(Y.shape, Y.dtype)
        z, scale = lines(_reals(xp, Z)), _along(xp, gamma * ctx.inverse, batch)
        for piece in b.pieces(y):
            xp.multiply(y[piece], scale, out=z[piece])
        for q, column in _edges(xp, Y, W, (ctx.mu * d).astype(real)).items():
            z[:, q] = column * scale
        Z[0, 0] += beta * d
        return Z

    @staticmethod
    def backward(ctx, gZ):
        b, xp, s, gamma = ctx.backend, ctx.xp, ctx.spectrum, ctx["gamma"].dense()
        batch, (P, W), d = gZ.shape[2], s.grid, s.dc_gain
        g, scale = lines(_reals(xp, gZ)), gamma * ctx.inverse
        gbeta = gZ[0, 0].real.sum(axis=0) * d
        gY, ggamma, own = None, None, False
        if ctx.needs[1] or (ctx.needs[0] and ctx.training):
            Y, own = ctx["Y"].writable()
            y, edges = lines(_reals(xp, Y)), _edges(xp, Y, W, (ctx.mu * d).astype(gamma.dtype))
            sums = by_channel(_sums_by_column(b, y, edges, g).sum(axis=0), 2 * len(gamma))
            ggamma = sums.reshape(-1, 2).sum(axis=1) * ctx.inverse
        if ctx.needs[0]:
            gY = Y if own else xp.empty(gZ.shape, gZ.dtype)
            out, times = lines(_reals(xp, gY)), _along(xp, scale, batch)
            of_edges = {q: column * times for q, column in _edges(xp, gZ, W).items()}
            if ctx.training:
                of_beta, of_gamma = sums_over_batch(ctx, gbeta, ggamma)
                N = ctx.M / (P * W)
                m = b.asarray((column_weights(W) / (N * d**2)).astype(gamma.dtype))
                of_h = m[:, None] * _along(xp, -scale * ctx.inverse * of_gamma, batch)  # the factor of Y'
                of_edges = {q: column + edges[q] * of_h[q] for q, column in of_edges.items()}
            for piece in b.pieces(out):
                here = g[piece] * times
                if ctx.training:
                    here += y[piece] * of_h
                out[piece] = here
            for q, column in of_edges.items():
                out[:, q] = column
            if ctx.training:
                gY[0, 0] -= scale * of_beta / (N * d)
        return gY, ggamma, gbeta
