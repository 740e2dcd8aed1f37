"""What the two batch normalisations share on a device: sums a channel, and statistics, in a launch or two each.

Sums are taken in double precision. First every thread adds up one channel of every `slabs`-th row of an array
(rows, channels), two sums at once: neighbours read neighbouring entries. Then a block a channel adds up the slabs.
What is added is up to the kernel that is handed in.
"""

import numpy as np

from specframe.backend import Kernel
from specframe.ops.batch_norm2d import together

THREADS = 1 << 14  # that add up at once: enough to fill a card, few enough that their sums are no large array

TOTALS = Kernel("channel_totals", """
extern "C" __global__ void channel_totals(const wide *partial, wide *total, long long slabs, long long channels) {
    __shared__ wide first[256], second[256];                     // partial (slabs, 2, channels), total (2, channels)
    for (long long c = blockIdx.x; c < channels; c += gridDim.x) {
        wide a = 0, b = 0;
        for (long long s = threadIdx.x; s < slabs; s += blockDim.x) {
            a += partial[2 * s * channels + c];
            b += partial[(2 * s + 1) * channels + c];
        }
        first[threadIdx.x] = a;
        second[threadIdx.x] = b;
        __syncthreads();
        for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {          // blockDim is a power of two
            if (threadIdx.x < half) {
                first[threadIdx.x] += first[threadIdx.x + half];
                second[threadIdx.x] += second[threadIdx.x + half];
            }
            __syncthreads();
        }
        if (threadIdx.x == 0) {
            total[c] = first[0];
            total[channels + c] = second[0];
        }
        __syncthreads();
    }
}
""")  # fmt: skip

# Sums of z = y - first and z^2 over N entries of a channel, first one of them, y = d x: so nothing cancels that need
# not, and of a constant channel all is exact.    mu = (first + sum / N) / d,    energy = factor (square - sum^2 / N)
MOMENTS = Kernel("channel_moments", """
extern "C" __global__ void channel_moments(const wide *sums, const real *first, long long step, wide *moments,
                                           long long channels, wide N, wide d, wide factor) {
    EACH(c, channels) {
        wide off = sums[c] / N, energy = sums[channels + c] - off * sums[c];
        moments[c] = (first[c * step] + off) / d;
        moments[channels + c] = energy < 0 ? 0 : energy * factor;
    }
}
""")  # fmt: skip

MOVE = Kernel("move_running", """
extern "C" __global__ void move_running(real *mean, real *var, const wide *mu, const wide *energy, long long channels,
                                        wide momentum, wide M) {
    EACH(c, channels) {
        mean[c] = (real)((1 - momentum) * mean[c] + momentum * mu[c]);
        var[c] = (real)((1 - momentum) * var[c] + momentum * energy[c] / (M - 1));
    }
}
""")  # fmt: skip


def channel_sums(b, kernel, real, rows, channels, *args):
    """(2, channels) float64. `kernel(rows, channels, slabs, partial, *args)` fills `partial` (slabs, 2, channels)."""
    slabs = max(1, min(rows, THREADS // channels))
    partial, total = b.xp.empty((slabs, 2, channels), "float64"), b.xp.empty((2, channels), "float64")
    b.launch(kernel, real, slabs * channels, rows, channels, slabs, partial, *args)
    b.launch(TOTALS, real, channels * 256, partial, total, slabs, channels)
    return total


def moments(b, sums, first, step, N, d=1.0, factor=1.0):
    """mu and energy, (channels,) float64 each, from the `sums` of N entries; `first` holds reals, `step` apart."""
    result, channels = b.xp.empty(sums.shape, "float64"), sums.shape[1]
    numbers = map(np.float64, (max(1, N), d, factor))
    b.launch(MOMENTS, first.real.dtype, channels, sums, first, step, result, channels, *numbers)
    return result[0], result[1]


def statistics(ctx, moments, running, training, momentum):
    """As in ops/batch_norm2d.py, but for v: (mu, energy, 1 / M), v = energy / M, in double precision."""
    ctx.training = training
    if not training:
        return *(kept.astype("float64") for kept in running), np.float64(1)
    M, mu, energy = ctx.over_batch(moments(), together)
    if running is not None and M:
        b, channels = ctx.backend, mu.size
        numbers = mu, energy, channels, np.float64(momentum), np.float64(M)
        ctx.once(lambda: b.launch(MOVE, running[0].dtype, channels, *running, *numbers))
    ctx.M = float(max(1, M))
    return mu, energy, np.float64(1 / ctx.M)
