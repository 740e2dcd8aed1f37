"""What the two batch normalisations share on a device: sums a channel, and what is made of them, in two launches.

Sums are taken in double precision. First every thread adds up one channel of every `slabs`-th row of an array
(rows, channels), two sums at once: neighbours read neighbouring entries. Then a block a channel adds up the slabs.
What is added is up to the kernel that is handed in; the statistics and the gradients differ in what is written.
"""

import numpy as np

from specframe.backend import Kernel
from specframe.backend.kernel import THREADS as BLOCK
from specframe.ops.batch_norm2d import together

THREADS = 1 << 14  # that add up at once: enough to fill a card, few enough that their sums are no large array


def adding_up(name, parameters, write):
    """A kernel that makes `first` and `second` of the slabs of channel c, and then does what is to be written."""
    source = """
extern "C" __global__ void NAME(const wide *partial, long long slabs, long long channels, PARAMETERS) {
    __shared__ wide firsts[BLOCK], seconds[BLOCK];               // partial (slabs, 2, channels)
    for (long long c = blockIdx.x; c < channels; c += gridDim.x) {
        wide first = 0, second = 0;
        for (long long s = threadIdx.x; s < slabs; s += blockDim.x) {
            first += partial[2 * s * channels + c];
            second += partial[(2 * s + 1) * channels + c];
        }
        firsts[threadIdx.x] = first;
        seconds[threadIdx.x] = second;
        __syncthreads();
        for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {          // blockDim is a power of two
            if (threadIdx.x < half) {
                firsts[threadIdx.x] += firsts[threadIdx.x + half];
                seconds[threadIdx.x] += seconds[threadIdx.x + half];
            }
            __syncthreads();
        }
        first = firsts[0];
        second = seconds[0];
        if (threadIdx.x == 0) {
            WRITE
        }
        __syncthreads();
    }
}
"""
    source = source.replace("PARAMETERS", parameters).replace("WRITE", write.strip()).replace("BLOCK", f"{BLOCK}")
    return Kernel(name, source.replace("NAME", name))


# Sums of z = y - y0 and z^2 over N entries of a channel, y0 one of them, y = d x: so nothing cancels that need
# not, and of a constant channel all is exact.    mu = (y0 + sum / N) / d,    energy = factor (square - sum^2 / N)
MOMENTS = adding_up(
    "channel_moments", "const real *y0, long long step, wide *moments, wide N, wide d, wide factor", """
            wide off = first / N, energy = second - off * first;
            moments[c] = (y0[c * step] + off) / d;
            moments[channels + c] = energy < 0 ? 0 : energy * factor;
""")  # fmt: skip

GRADIENTS = adding_up("channel_gradients", "wide *sums, real *gbeta, real *ggamma", """
            sums[c] = first;
            sums[channels + c] = second;
            gbeta[c] = (real)first;
            ggamma[c] = (real)second;
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


def partial_sums(b, kernel, real, rows, channels, *args):
    """(slabs, 2, channels) float64, which `kernel(rows, channels, slabs, partial, *args)` fills."""
    slabs = max(1, min(rows, THREADS // channels))
    partial = b.xp.empty((slabs, 2, channels), "float64")
    b.launch(kernel, real, slabs * channels, rows, channels, slabs, partial, *args)
    return partial


def moments(b, partial, y0, step, N, d=1.0, factor=1.0):
    """mu and energy, (channels,) float64 each, from sums over N entries; `y0` holds reals, `step` apart."""
    slabs, _, channels = partial.shape
    result, numbers = b.xp.empty((2, channels), "float64"), map(np.float64, (max(1, N), d, factor))
    b.launch(MOMENTS, y0.real.dtype, channels * BLOCK, partial, slabs, channels, y0, step, result, *numbers)
    return result[0], result[1]


def gradients(b, partial, real):
    """The two sums (2, channels) float64, and the same as gbeta and ggamma."""
    slabs, _, channels = partial.shape
    sums, gbeta, ggamma = b.xp.empty((2, channels), "float64"), b.xp.empty(channels, real), b.xp.empty(channels, real)
    b.launch(GRADIENTS, real, channels * BLOCK, partial, slabs, channels, sums, gbeta, ggamma)
    return sums, gbeta, ggamma


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
