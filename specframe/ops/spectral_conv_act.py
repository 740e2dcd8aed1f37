"""The inner step of a spectral block: product, bias, threshold, activation (Algorithm 1, lines 15 to 17) as one op.

    forward    Y = X @ K + bias                    spectral_conv2d
               Z = a f(threshold(Y) / a)           spectral_act

    backward   gY as in spectral_act;  gX, gk, gb as in spectral_conv2d

Saved: Z, which is also the next convolution's X, and X, which is a Z of the op before or is made again from its map.
One sparse array a layer, as in the paper.

The reference is the composition of the ops' own functions: `product` and `whole`. `_skipping` gives the same
values and does less work where most frequencies stay empty: with |x| the norm over the input channels, Cauchy and
Schwarz bound every entry,

    |Y[p, q, n, o]| <= |X[p, q, n]| |K[p, q, o]|

so a frequency at which max_n |X| max_o |K| does not reach beta is dropped before its product is computed; the
activation touches kept entries only (`gathered`); and the entries go to the store as they are, already gathered. It
looks at values to choose the work, which would make the host wait for a GPU: there the reference runs.
"""

from specframe.op import Op
from specframe.ops import _kernel
from specframe.ops.spectral_act import gathered, on_kept, whole
from specframe.ops.spectral_conv2d import check, product
from specframe.ops.split_activation import check_activation
from specframe.ops.threshold import check_beta
from specframe.tape import apply

ROUNDING = 1e-4  # relative head-room of the bound, far above the rounding of float32 norms


def _reference(ctx, X, weight, bias, s):
    """Z (P, Q, batch, c_out), and where it may differ from zero."""
    return whole(ctx, product(ctx.backend, X, weight, bias, s))


def _skipping(ctx, X, weight, bias, s):
    xp, (P, Q, batch, c_in), c_out = ctx.xp, X.shape, weight.shape[0]
    X = X.reshape(P * Q, batch, c_in)
    K = _kernel.spectrum_of(ctx.backend, weight, s.grid)
    rows = _can_pass(xp, X, K, bias, s, ctx.beta)
    Y = xp.matmul(X[rows], K[rows])
    if bias is not None:
        Y[0] += bias * bias.dtype.type(s.dc_gain)  # rows[0] is the bin (0, 0)
    return gathered(ctx, Y.reshape(len(rows), batch * c_out), rows, (P, Q, batch, c_out))


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


def spread(xp, inside, rows, shape):
    """`inside` at the frequencies `rows` (None: all of them), zero elsewhere, as an array of `shape`."""
    if rows is not None:
        array = xp.zeros((shape[0] * shape[1], *inside.shape[1:]), inside.dtype)
        array[rows] = inside
        inside = array
    return inside.reshape(shape)


class SpectralConvAct(Op):
    name = "spectral_conv_act"
    exact_zeros = ("Z",)  # zero where the threshold dropped

    @staticmethod
    def forward(ctx, X, weight, bias, s, beta, activation, scale, skip):
        ctx.beta, ctx.activation, ctx.scale, ctx.input_shape = beta, activation, scale, X.shape
        if ctx.needs[1]:
            ctx.save(X=X)
        ctx.save(weight=weight)
        body = _skipping if skip and not ctx.backend.reading_waits else _reference
        Z, active = body(ctx, X, weight, bias, s)
        ctx.spectrum = s.with_active(active)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        b, xp, s = ctx.backend, ctx.xp, ctx.spectrum
        P, Q, batch, c_in = ctx.input_shape
        weight, Z = ctx["weight"].dense(), ctx["Z"].sparse()
        rows = slice(None) if Z.rows is None else Z.rows  # the frequencies that the threshold left
        if ctx.needs[1]:  # first, while little else is alive: X may have to be made again from its map
            X = ctx["X"].dense().reshape(P * Q, batch, c_in)[rows]

        gY = on_kept(ctx, gZ, Z, xp.empty(Z.support.shape, gZ.dtype)).reshape(-1, batch, weight.shape[0])
        gX = gk = gb = None
        if ctx.needs[1]:
            gK = b.matmul(X, gY, adjoint_a=True)
            del X
            gk = _kernel.adjoint(b, gK, weight.shape[-1], s.grid, Z.rows)
        if ctx.needs[0]:
            K = _kernel.spectrum_of(b, weight, s.grid, Z.rows)
            gX = spread(xp, b.matmul(gY, K, adjoint_b=True), Z.rows, ctx.input_shape)
        if ctx.needs[2]:
            gb = xp.zeros(weight.shape[:1], weight.dtype)
            if Z.rows is None or (len(rows) and rows[0] == 0):  # else the bin (0, 0) itself was dropped
                gb = gY[0].real.sum(axis=0) * weight.dtype.type(s.dc_gain)
        return gX, gk, gb


def spectral_conv_act(
    X, weight, bias=None, *, beta=0.5, activation="tanh", scale=1.0, grid=None, norm=None, skip=True
):
    """split_activation(threshold(spectral_conv2d(X, weight, bias), beta), activation, scale), in one op.

    Parameters
    ----------
    X, weight, bias, grid, norm : as in spectral_conv2d
    beta : float, 0 or more, as in threshold
    activation, scale : as in split_activation
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
    op = "spectral_conv_act"
    s = check(op, X, weight, bias, grid, norm)
    check_beta(beta, op)
    check_activation(activation, scale, op)
    options = {"beta": float(beta), "activation": activation, "scale": float(scale)}
    return apply(SpectralConvAct, X, weight, bias, s=s, skip=skip, **options)
