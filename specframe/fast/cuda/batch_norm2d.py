"""batch_norm2d in one pass over x for the sums and one that normalises, each way.

    forward    y = gamma h + beta,  h = (x - mu) / sqrt(v + eps)
    backward   gx = gamma / sqrt(v + eps) (gy - mean(gy) - h mean(gy h))

Sums are taken in double precision; what is done to every entry is done in x's own. Saved: x, from which h and y are
made again to the bit. An op that would save y, or relu(y), keeps x instead: one map.
"""

import numpy as np

from specframe.backend import CUDA, Kernel
from specframe.fast.cuda import _channels
from specframe.fast.register import register
from specframe.ops.batch_norm2d import BatchNorm2d, sums_over_batch

SUMS = Kernel("norm_sums", """
extern "C" __global__ void norm_sums(long long rows, long long channels, long long slabs, wide *partial,
                                     const real *x) {
    EACH(t, slabs * channels) {
        long long c = t % channels, slab = t / channels;
        wide sum = 0, square = 0;
        for (long long row = slab; row < rows; row += slabs) {
            wide z = (wide)x[row * channels + c] - x[c];
            sum += z;
            square += z * z;
        }
        partial[2 * slab * channels + c] = sum;
        partial[(2 * slab + 1) * channels + c] = square;
    }
}
""")  # fmt: skip

APPLY = Kernel("norm_apply", """
extern "C" __global__ void norm_apply(const real *x, const wide *mu, const wide *energy, const real *gamma,
                                      const real *beta, real *y, long long n, long long channels, wide per, wide eps) {
    EACH(i, n) {
        long long c = i % channels;
        real h = (x[i] - (real)mu[c]) / sqrt((real)(energy[c] * per + eps));
        y[i] = gamma[c] * h + beta[c];
    }
}
""")  # fmt: skip

BACK_SUMS = Kernel("norm_back_sums", """
extern "C" __global__ void norm_back_sums(long long rows, long long channels, long long slabs, wide *partial,
        const real *x, const real *gy, const wide *mu, const wide *energy, wide per, wide eps) {
    EACH(t, slabs * channels) {
        long long c = t % channels, slab = t / channels;
        wide sum = 0, product = 0, scale = 1 / sqrt(energy[c] * per + eps);
        for (long long row = slab; row < rows; row += slabs) {
            wide g = gy[row * channels + c];
            sum += g;
            product += g * (x[row * channels + c] - mu[c]) * scale;
        }
        partial[2 * slab * channels + c] = sum;
        partial[(2 * slab + 1) * channels + c] = product;
    }
}
""")  # fmt: skip

BACK = Kernel("norm_back", """
extern "C" __global__ void norm_back(const real *x, const real *gy, const wide *mu, const wide *energy,
        const real *gamma, const wide *of_beta, const wide *of_gamma, real *gx, long long n, long long channels,
        wide per, wide eps, wide share) {                    // share: 1 / M in training, 0 in evaluation
    EACH(i, n) {
        long long c = i % channels;
        real scale = 1 / sqrt((real)(energy[c] * per + eps)), h = (x[i] - (real)mu[c]) * scale;
        gx[i] = gamma[c] * scale * (gy[i] - (real)(share * of_beta[c]) - h * (real)(share * of_gamma[c]));
    }
}
""")  # fmt: skip


def moments(b, x):
    M, channels = x.size // x.shape[3], x.shape[3]
    if not M:
        return 0, *b.xp.zeros((2, channels))
    return M, *_channels.moments(b, _channels.partial_sums(b, SUMS, x.dtype, M, channels, x), x, 1, M)


@register(BatchNorm2d, CUDA)
class CudaBatchNorm2d(BatchNorm2d):
    recompute = "if_kept"

    @staticmethod
    def forward(ctx, x, gamma, beta, running, training, momentum, eps):
        b, x = ctx.backend, ctx.xp.ascontiguousarray(x)
        ctx.mu, ctx.energy, ctx.per = _channels.statistics(ctx, lambda: moments(b, x), running, training, momentum)
        ctx.eps = np.float64(eps)
        ctx.save(x=x, gamma=gamma)
        return CudaBatchNorm2d.remake(ctx, x, gamma, beta)

    @staticmethod
    def remake(ctx, x, gamma, beta):
        x, gamma, beta = map(ctx.xp.ascontiguousarray, (x, gamma, beta))
        y, channels = ctx.xp.empty(x.shape, x.dtype), x.shape[3]
        statistics = ctx.mu, ctx.energy, gamma, beta
        ctx.backend.launch(APPLY, x.dtype, x.size, x, *statistics, y, x.size, channels, ctx.per, ctx.eps)
        return y

    @staticmethod
    def backward(ctx, gy):
        b, channels, rows = ctx.backend, gy.shape[3], gy.size // gy.shape[3]
        x, gamma, gy = map(ctx.xp.ascontiguousarray, (ctx["x"].dense(), ctx["gamma"].dense(), gy))
        statistics, scale = (x, gy, ctx.mu, ctx.energy), (ctx.per, ctx.eps)
        partial = _channels.partial_sums(b, BACK_SUMS, gy.dtype, rows, channels, *statistics, *scale)
        sums, gbeta, ggamma = _channels.gradients(b, partial, gy.dtype)
        if not ctx.needs[0]:
            return None, ggamma, gbeta
        gx, share, of = ctx.xp.empty(gy.shape, gy.dtype), np.float64(0), tuple(sums)
        if ctx.training:
            share, of = np.float64(1 / ctx.M), sums_over_batch(ctx, *sums)
        b.launch(BACK, gy.dtype, gy.size, *statistics, gamma, *of, gx, gy.size, channels, *scale, share)
        return gx, ggamma, gbeta
