"""The inner step of a spectral block: product, bias, threshold, activation (Algorithm 1, lines 15 to 17) as one op.

    X (P, Q, batch, c_in)    k (c_out, c_in, k, k)    b (c_out,)    Y, Z (P, Q, batch, c_out)
    K = E k (P, Q, c_in, c_out), ops/_kernel.py; d a constant's share of bin (0, 0); f and f' as in split_activation

    forward    Y = X @ K, plus b d in bin (0, 0)                             eq. (2)
               Y^ = Y where |Y| > beta, else 0                               line 16
               Z = a f(Re(Y^) / a) + i a f(Im(Y^) / a)                       eq. (5)
    backward   gY^ = f'(Re(Y^) / a) Re(gZ) + i f'(Im(Y^) / a) Im(gZ)         eq. (9), the slope from Z
               gY = gY^ where Z is not zero, else 0                          the zeros of Z are the threshold's mask
               gX = gY @ K^H                                                 eq. (3)
               gk = Re(E^H gK), gK = X^H @ gY                                eqs. (4), (3)
               gb = d Re(sum over the batch of gY[0, 0])

Saved: Z, which is also the next convolution's X, and X, which is a Z of the op before or is made again from its map.
One sparse array a layer, as in the paper.
"""

from collections.abc import Sequence

from specframe.op import Op
from specframe.ops import _kernel
from specframe.ops.spectral_conv2d import check
from specframe.ops.split_activation import ACTIVATIONS, check_activation, parts
from specframe.ops.threshold import check_beta, kept_entries
from specframe.tape import apply
from specframe.tensor import Tensor


class SpectralConvAct(Op):
    name = "spectral_conv_act"
    exact_zeros = ("Z",)  # zero where the threshold dropped

    @staticmethod
    def forward(ctx, X, weight, bias, s, beta, activation, scale):
        b, xp, f = ctx.backend, ctx.xp, ACTIVATIONS[activation].f
        ctx.spectrum, ctx.activation, ctx.scale = s.with_active(None), activation, scale
        if ctx.needs[1]:
            ctx.save(X=X)
        E = _kernel.matrix(b, s.grid, weight.shape[-1], weight.dtype)
        K = _kernel.spectrum_of(xp, E, weight)
        Y = X @ K  # eq. (2)
        if bias is not None:
            Y[0, 0] += bias * s.dc_gain
        Y = b.where(kept_entries(Y, beta), Y)  # line 16
        Z = (scale * f(xp, parts(xp, Y) / scale)).view(Y.dtype)  # eq. (5)
        ctx.save(weight=weight, Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        b, xp, s, slope = ctx.backend, ctx.xp, ctx.spectrum, ACTIVATIONS[ctx.activation].slope
        weight, Z = ctx["weight"].dense(), ctx["Z"].dense()
        E = _kernel.matrix(b, s.grid, weight.shape[-1], weight.dtype)
        gY = slope(xp, parts(xp, Z) / ctx.scale) * parts(xp, gZ)  # eq. (9)
        gY = b.where(Z != 0, gY.view(gZ.dtype))
        gX = gk = gb = None
        if ctx.needs[1]:  # first: X, which may be made again for it, is gone before gX comes
            gK = b.matmul(ctx["X"].dense(), gY, adjoint_a=True)  # eq. (3)
            gk = _kernel.adjoint(xp, E, gK)  # eq. (4)
        if ctx.needs[0]:
            K = _kernel.spectrum_of(xp, E, weight)
            gX = b.matmul(gY, K, adjoint_b=True)  # eq. (3)
        if ctx.needs[2]:
            gb = gY[0, 0].real.sum(axis=0) * s.dc_gain
        return gX, gk, gb


def spectral_conv_act(
    X: Tensor, weight: Tensor, bias: Tensor | None = None, *, beta: float = 0.5, activation: str = "tanh",
    scale: float = 1.0, grid: Sequence[int] | None = None, norm: str | None = None,
) -> Tensor:  # fmt: skip
    """split_activation(threshold(spectral_conv2d(X, weight, bias), beta), activation, scale), in one op.

    Parameters
    ----------
    X, weight, bias, grid, norm : as in spectral_conv2d
    beta : float, 0 or more, as in threshold
    activation, scale : as in split_activation

    Returns
    -------
    Z : Tensor (P, Q, batch, c_out)
        Carries its grid, and, where a body of the op found out, which frequencies hold anything.

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
    return apply(SpectralConvAct, X, weight, bias, s=s, **options)
