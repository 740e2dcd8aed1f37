"""The inner step of a spectral block: product, bias, threshold, activation (Algorithm 1, lines 15 to 17) as one op.

    forward    Y = X @ K + bias                    spectral_conv2d
               Y^ = Y where |Y| > beta, else 0     threshold
               Z = a tanh(Y^ / a), part by part    split_tanh

    backward   gY^ = (1 - (Z / a)^2) gZ, part by part
               gY = gY^ where Z is not zero: the zeros of Z are the threshold's mask
               gX, gk, gb as in spectral_conv2d

Saved: Z, which is also the next convolution's X, and X, which is a Z of the op before or is made again from its map.
One sparse array a layer, as in the paper.

`_reference` is the composition of the three ops' own functions. `_skipping` gives the same values and does less work
where most frequencies stay empty: with |x| the norm over the input channels, Cauchy and Schwarz bound every entry,

    |Y[p, q, n, o]| <= |X[p, q, n]| |K[p, q, o]|

so a frequency at which max_n |X| max_o |K| does not reach beta is dropped before its product is computed; tanh touches
kept entries only; and the entries go to the store as they are, already gathered. It looks at values to choose the
work, which would make the host wait for a GPU: there the reference runs.
"""

import numpy as np

from specframe.ops import _kernel, split_tanh
from specframe.ops.spectral_conv2d import check, product
from specframe.ops.split_tanh import check_scale
from specframe.ops.threshold import check_beta, kept_entries
from specframe.storage import Sparse
from specframe.tape import Op, apply

ROUNDING = 1e-4  # relative head-room of the bound, far above the rounding of float32 norms


def _reference(ctx, X, weight, bias, s, beta, scale):
    """Z (P, Q, batch, c_out), and where it may differ from zero (None: anywhere)."""
    Y = product(ctx.backend, X, weight, bias, s)
    Y = ctx.xp.where(kept_entries(Y, beta), Y, Y.dtype.type(0))
    Z = split_tanh.forward(ctx.xp, Y, scale)
    ctx.save(Z=Z)
    return Z, None


def _skipping(ctx, X, weight, bias, s, beta, scale):
    xp, (P, Q, batch, c_in), c_out = ctx.xp, X.shape, weight.shape[0]
    X = X.reshape(P * Q, batch, c_in)
    K = _kernel.spectrum_of(ctx.backend, weight, s.grid)
    rows = _can_pass(xp, X, K, bias, s, beta)
    Y = xp.matmul(X[rows], K[rows])
    if bias is not None:
        Y[0] += bias * bias.dtype.type(s.dc_gain)  # rows[0] is the bin (0, 0)
    Y = Y.reshape(len(rows), batch * c_out)
    kept = kept_entries(Y, beta)
    filled = kept.any(axis=1)
    if not filled.all():
        rows, Y, kept = rows[filled], Y[filled], kept[filled]
    values = split_tanh.forward(xp, ctx.backend.compress(Y, kept, None), scale)
    Z = xp.zeros((P * Q, batch * c_out), Y.dtype)
    Z[rows] = ctx.backend.expand(values, kept)
    Z = Z.reshape(P, Q, batch, c_out)
    ctx.save(Z=Sparse(Z.shape, rows, kept, values, Z))
    active = np.zeros(P * Q, bool)
    active[rows] = True
    return Z, active.reshape(P, Q)


def _can_pass(xp, X, K, bias, s, beta):
    """Frequencies at which an entry of Y may be above beta, in order. Bin (0, 0) is among them if there is a bias."""
    x, k = xp.square(abs(X)), xp.square(abs(K))
    # the sum over the channels as a product with ones: a reduction over a short last axis is slow
    largest_x = xp.matmul(x, xp.ones(x.shape[2], x.dtype)).max(axis=1)  # max over the batch of |X|^2
    largest_k = k.sum(axis=1).max(axis=1)
    if beta > 0:
        bound = xp.sqrt(largest_x) * xp.sqrt(largest_k) * x.dtype.type(1 + ROUNDING)
        passes = ~(bound <= x.dtype.type(beta))  # NaN passes, and stays visible
    else:
        passes = xp.ones(largest_x.shape, bool)  # squares of tiny entries may be zero: the bound would drop them
    if s.active is not None:
        passes &= s.active.reshape(-1)
    if bias is not None:
        passes[0] = True
    return xp.flatnonzero(passes)


class SpectralConvAct(Op):
    name = "spectral_conv_act"

    @staticmethod
    def forward(ctx, X, weight, bias, s, beta, scale, skip):
        ctx.scale, ctx.input_shape = scale, X.shape
        if ctx.needs[1]:
            ctx.save(X=X)
        ctx.save(weight=weight)
        body = _skipping if skip and not ctx.backend.asynchronous else _reference
        Z, active = body(ctx, X, weight, bias, s, beta, scale)
        ctx.carries = s.with_active(active)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        b, xp, s = ctx.backend, ctx.xp, ctx.carries
        P, Q, batch, c_in = ctx.input_shape
        weight, Z = ctx["weight"].dense(), ctx["Z"].sparse()
        rows = slice(None) if Z.rows is None else Z.rows  # the frequencies that the threshold left
        if ctx.needs[1]:  # first, while little else is alive: X may have to be made again from its map
            X = ctx["X"].dense().reshape(P * Q, batch, c_in)[rows]

        # ==== gY ====  on the kept entries only, spread over (F, batch, c_out)
        g = b.compress(gZ.reshape(P * Q, -1)[rows], Z.support, Z.nnz)
        g = split_tanh.backward(xp, g, Z.values, ctx.scale)
        gY = b.expand(g, Z.support).reshape(-1, batch, weight.shape[0])

        # ==== gX, gk, gb ====
        gX = gk = gb = None
        if ctx.needs[0]:
            K = _kernel.spectrum_of(b, weight, s.grid, Z.rows)
            gX = b.matmul(gY, K, adjoint_b=True)
            if Z.rows is not None:
                inside, gX = gX, xp.zeros((P * Q, batch, c_in), gX.dtype)
                gX[rows] = inside
            gX = gX.reshape(P, Q, batch, c_in)
        if ctx.needs[1]:
            gK = b.matmul(X, gY, adjoint_a=True)
            gk = _kernel.adjoint(b, gK, weight.shape[-1], s.grid, Z.rows)
        if ctx.needs[2]:
            gb = xp.zeros(weight.shape[:1], weight.dtype)
            if Z.rows is None or (len(rows) and rows[0] == 0):  # else the bin (0, 0) itself was dropped
                gb = gY[0].real.sum(axis=0) * weight.dtype.type(s.dc_gain)
        return gX, gk, gb


def spectral_conv_act(X, weight, bias=None, *, beta=0.5, scale=1.0, grid=None, norm=None, skip=True):
    """split_tanh(threshold(spectral_conv2d(X, weight, bias), beta), scale), in one op.

    Parameters
    ----------
    X, weight, bias, grid, norm : as in spectral_conv2d
    beta : float, 0 or more, as in threshold
    scale : float above 0, as in split_tanh
    skip : bool
        Leave out frequencies that cannot pass beta (on the CPU). False runs the plain composition.

    Returns
    -------
    Z : Tensor (P, Q, batch, c_out)
        Carries its grid, and which frequencies hold anything.

    Raises
    ------
    ValueError
        As the three ops do.
    """
    s = check("spectral_conv_act", X, weight, bias, grid, norm)
    check_beta(beta, "spectral_conv_act")
    check_scale(scale, "spectral_conv_act")
    return apply(SpectralConvAct, X, weight, bias, s=s, beta=float(beta), scale=float(scale), skip=skip)
