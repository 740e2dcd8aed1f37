"""spectral_conv_act at the frequencies that can pass the threshold alone.

With |X| the norm over the input channels, Cauchy and Schwarz bound every entry,

    |Y[p, q, n, o]| <= |X[p, q, n]| |K[p, q, o]|

so a frequency at which max_n |X| max_o |K| does not reach beta is dropped before its product is computed; the
activation touches kept entries only (kept.py), and the backward works at the frequencies that are left.
"""

import numpy as np

from specframe.backend import CPU
from specframe.fast.cpu import kept
from specframe.fast.register import register
from specframe.ops import _kernel
from specframe.ops.spectral_conv_act import SpectralConvAct

ROUNDING = 1e-4  # relative head-room of the bound, far above the rounding of float32 norms


def _can_pass(X, K, beta):
    """Booleans: the frequencies at which an entry of X @ K may be above beta."""
    if beta == 0:
        return np.ones(len(X), bool)  # squares of tiny entries may be zero: the bound would drop them
    x, k = np.square(abs(X)), np.square(abs(K))
    # the sum over the channels as a product with ones: a reduction over a short last axis is slow
    largest_x = np.matmul(x, np.ones(x.shape[2], x.dtype)).max(axis=1, initial=0)  # max over the batch of |X|^2
    largest_k = k.sum(axis=1).max(axis=1)
    bound = np.sqrt(largest_x) * np.sqrt(largest_k) * x.dtype.type(1 + ROUNDING)
    return ~(bound <= x.dtype.type(beta))  # NaN passes, and stays visible


def _spread(inside, rows, shape):
    """`inside` at the frequencies `rows` (None: all of them), zero elsewhere, as an array of `shape`."""
    if rows is not None:
        array = np.zeros((shape[0] * shape[1], *inside.shape[1:]), inside.dtype)
        array[rows] = inside
        inside = array
    return inside.reshape(shape)


@register(SpectralConvAct, CPU)
class FastSpectralConvAct(SpectralConvAct):
    @staticmethod
    def forward(ctx, X, weight, bias, s, beta, activation, scale):
        ctx.spectrum, ctx.beta, ctx.activation, ctx.scale, ctx.input_shape = s, beta, activation, scale, X.shape
        if ctx.needs[1]:
            ctx.save(X=X)
        ctx.save(weight=weight)
        (P, Q, batch, c_in), c_out = X.shape, weight.shape[0]
        X, E = X.reshape(P * Q, batch, c_in), _matrix(ctx, weight)
        K = _kernel.spectrum_of(np, E, weight)
        passes = _can_pass(X, K, beta)
        if bias is not None:
            passes[0] = True
        rows = np.flatnonzero(passes)
        Y = np.matmul(X[rows], K[rows])
        if bias is not None:
            Y[0] += bias * s.dc_gain  # rows[0] is the bin (0, 0)
        return kept.threshold_and_activate(ctx, Y.reshape(len(rows), batch * c_out), rows, (P, Q, batch, c_out))

    @staticmethod
    def backward(ctx, gZ):
        b, (P, Q, batch, c_in) = ctx.backend, ctx.input_shape
        weight, Z = ctx["weight"].dense(), ctx["Z"].sparse()
        rows = slice(None) if Z.rows is None else Z.rows  # the frequencies that the threshold left
        if ctx.needs[1]:  # first, while little else is alive: X may have to be made again from its map
            X = ctx["X"].dense().reshape(P * Q, batch, c_in)[rows]
        gY = kept.backward(ctx, gZ, Z, np.empty(Z.support.shape, gZ.dtype))
        gY = gY.reshape(len(gY), batch, weight.shape[0])
        E = _matrix(ctx, weight)[:, rows]
        gX = gk = gb = None
        if ctx.needs[1]:
            gK = b.matmul(X, gY, adjoint_a=True)
            del X
            gk = _kernel.adjoint(np, E, gK)
        if ctx.needs[0]:
            K = _kernel.spectrum_of(np, E, weight)
            gX = _spread(b.matmul(gY, K, adjoint_b=True), Z.rows, ctx.input_shape)
        if ctx.needs[2]:
            gb = np.zeros(weight.shape[:1], weight.dtype)
            if Z.rows is None or (len(rows) and rows[0] == 0):  # else the bin (0, 0) itself was dropped
                gb = gY[0].real.sum(axis=0) * ctx.spectrum.dc_gain
        return gX, gk, gb


def _matrix(ctx, weight):
    """E of all frequencies, (2, P * Q, k * k)."""
    E = _kernel.matrix(ctx.backend, ctx.spectrum.grid, weight.shape[-1], weight.dtype)
    return E.reshape(2, -1, E.shape[-1])
