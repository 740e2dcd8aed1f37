"""spectral_batch_norm2d in one pass over Y for the sums and one that normalises, each way.

The Hermitian part of the edge columns is taken as they are read. With Y' the centred spectrum, m the column weights,
N the batch, d = sqrt(P W) or P W, as in ops/spectral_batch_norm2d.py:

    sums       bin (0, 0): of z = Re(Y) - first and z^2, mu d = first + mean(z);  elsewhere: of m |Y|^2
    forward    Z = gamma H, plus beta d in bin (0, 0),  H = Y' / sqrt(v + eps)
    backward   gbeta = d sum Re(gZ[0, 0]),   ggamma = sum Re(conj(H) gZ)
               gY = gamma / sqrt(v + eps) (gZ - m H ggamma / (N d^2), less gbeta / (N d) in bin (0, 0))

Saved: Y.
"""

import numpy as np

from specframe.backend import CUDA, Kernel
from specframe.fast.cuda import _channels
from specframe.fast.register import register
from specframe.ops.batch_norm2d import sums_over_batch
from specframe.ops.spectral_batch_norm2d import SpectralBatchNorm2d

READ = """
struct Grid { long long P, Q, W, batch, channels; };

// The Hermitian part of Y at entry i, and m, 1 or 2; returns whether i lies in the bin (0, 0).
__device__ bool read(const Grid g, const real *Y, long long i, real *re, real *im, int *m) {
    long long line = g.batch * g.channels, q = i / line % g.Q, p = i / (line * g.Q);
    *re = Y[2 * i];
    *im = Y[2 * i + 1];
    *m = q == 0 || 2 * q == g.W ? 1 : 2;
    if (*m == 1) {
        long long mirror = i + ((p ? g.P - p : 0) - p) * g.Q * line;
        *re = (*re + Y[2 * mirror]) / 2;
        *im = (*im - Y[2 * mirror + 1]) / 2;
    }
    return i < line;
}
"""
GRID = np.dtype([(name, np.int64) for name in ("P", "Q", "W", "batch", "channels")])

SUMS = Kernel("spectral_norm_sums", READ + """
extern "C" __global__ void spectral_norm_sums(long long rows, long long channels, long long slabs, wide *partial,
                                              const real *Y, const Grid g) {
    EACH(t, slabs * channels) {
        long long c = t % channels, slab = t / channels;
        wide sum = 0, square = 0;
        real re, im;
        int m;
        for (long long row = slab; row < rows; row += slabs) {
            bool dc = read(g, Y, row * channels + c, &re, &im, &m);
            wide z = dc ? (wide)re - Y[2 * c] : re;
            sum += dc ? z : 0;
            square += m * (z * z + (wide)im * im);
        }
        partial[2 * slab * channels + c] = sum;
        partial[(2 * slab + 1) * channels + c] = square;
    }
}
""")  # fmt: skip

APPLY = Kernel("spectral_norm_apply", READ + """
extern "C" __global__ void spectral_norm_apply(const real *Y, const wide *mu, const wide *energy, const real *gamma,
        const real *beta, real *Z, long long n, const Grid g, wide per, wide eps, wide d) {
    EACH(i, n) {
        long long c = i % g.channels;
        real re, im, scale = gamma[c] / sqrt((real)(energy[c] * per + eps));
        int m;
        bool dc = read(g, Y, i, &re, &im, &m);
        Z[2 * i] = dc ? scale * (re - (real)(mu[c] * d)) + beta[c] * (real)d : scale * re;
        Z[2 * i + 1] = scale * im;
    }
}
""")  # fmt: skip

BACK_SUMS = Kernel("spectral_norm_back_sums", READ + """
extern "C" __global__ void spectral_norm_back_sums(long long rows, long long channels, long long slabs, wide *partial,
        const real *Y, const real *gZ, const wide *mu, const wide *energy, const Grid g, wide per, wide eps, wide d) {
    EACH(t, slabs * channels) {
        long long c = t % channels, slab = t / channels;
        wide sum = 0, product = 0, scale = 1 / sqrt(energy[c] * per + eps);
        real re, im, gre, gim;
        int m;
        for (long long row = slab; row < rows; row += slabs) {
            bool dc = read(g, Y, row * channels + c, &re, &im, &m);
            read(g, gZ, row * channels + c, &gre, &gim, &m);
            sum += dc ? d * gre : 0;
            product += ((dc ? re - mu[c] * d : re) * gre + (wide)im * gim) * scale;
        }
        partial[2 * slab * channels + c] = sum;
        partial[(2 * slab + 1) * channels + c] = product;
    }
}
""")  # fmt: skip

BACK = Kernel("spectral_norm_back", READ + """
extern "C" __global__ void spectral_norm_back(const real *Y, const real *gZ, const wide *mu, const wide *energy,
        const real *gamma, const wide *of_beta, const wide *of_gamma, real *gY, long long n, const Grid g,
        wide per, wide eps, wide d, wide share) {            // share: 1 / N in training, 0 in evaluation
    EACH(i, n) {
        long long c = i % g.channels;
        real re, im, gre, gim, scale = 1 / sqrt((real)(energy[c] * per + eps));
        int m;
        bool dc = read(g, Y, i, &re, &im, &m);
        read(g, gZ, i, &gre, &gim, &m);
        real of_h = m * scale * (real)(of_gamma[c] * share / (d * d));
        if (dc) {
            re -= (real)(mu[c] * d);
            gre -= (real)(of_beta[c] * share / d);
        }
        gY[2 * i] = gamma[c] * scale * (gre - of_h * re);
        gY[2 * i + 1] = gamma[c] * scale * (gim - of_h * im);
    }
}
""")  # fmt: skip


def layout(Y, s):
    return np.array([(*s.half, s.grid[1], *Y.shape[2:])], GRID)


def moments(b, Y, s):
    (P, W), d, (*_, N, channels) = s.grid, s.dc_gain, Y.shape
    if not N:
        return 0, *b.xp.zeros((2, channels))
    rows = Y.size // channels
    partial = _channels.partial_sums(b, SUMS, Y.real.dtype, rows, channels, Y, layout(Y, s))
    return P * W * N, *_channels.moments(b, partial, Y, 2, N, d, P * W / d**2)


@register(SpectralBatchNorm2d, CUDA)
class CudaSpectralBatchNorm2d(SpectralBatchNorm2d):
    @staticmethod
    def forward(ctx, Y, gamma, beta, running, training, momentum, eps, s):
        b, ctx.spectrum = ctx.backend, s.with_active(None)
        Y, gamma, beta = map(ctx.xp.ascontiguousarray, (Y, gamma, beta))
        ctx.mu, ctx.energy, per = _channels.statistics(ctx, lambda: moments(b, Y, s), running, training, momentum)
        ctx.numbers = per, np.float64(eps), np.float64(s.dc_gain)
        ctx.save(Y=Y, gamma=gamma)
        Z, statistics = ctx.xp.empty(Y.shape, Y.dtype), (ctx.mu, ctx.energy, gamma, beta)
        b.launch(APPLY, gamma.dtype, Y.size, Y, *statistics, Z, Y.size, layout(Y, s), *ctx.numbers)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        b, s, channels = ctx.backend, ctx.spectrum, gZ.shape[3]
        Y, gamma, gZ = map(ctx.xp.ascontiguousarray, (ctx["Y"].dense(), ctx["gamma"].dense(), gZ))
        statistics, numbers = (Y, gZ, ctx.mu, ctx.energy), (layout(Y, s), *ctx.numbers)
        rows = gZ.size // channels
        partial = _channels.partial_sums(b, BACK_SUMS, gamma.dtype, rows, channels, *statistics, *numbers)
        sums, gbeta, ggamma = _channels.gradients(b, partial, gamma.dtype)
        if not ctx.needs[0]:
            return None, ggamma, gbeta
        gY, share, of = ctx.xp.empty(gZ.shape, gZ.dtype), np.float64(0), tuple(sums)
        if ctx.training:
            share, of = np.float64(s.grid[0] * s.grid[1] / ctx.M), sums_over_batch(ctx, *sums)
        b.launch(BACK, gamma.dtype, gZ.size, *statistics, gamma, *of, gY, gZ.size, *numbers, share)
        return gY, ggamma, gbeta
