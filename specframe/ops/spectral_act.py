"""Threshold and activation of a spectrum as one op (Algorithm 1, lines 16 and 17).

    Y, Z (P, Q, batch, channels)    f and its slope f' by name, in the table of split_activation

    forward    Y^ = Y where |Y| > beta, else 0                               line 16
               Z = a f(Re(Y^) / a) + i a f(Im(Y^) / a)                       eq. (5)
    backward   gY^ = f'(Re(Y^) / a) Re(gZ) + i f'(Im(Y^) / a) Im(gZ)         eq. (9), the slope from Z
               gY = gY^ where Z is not zero, else 0                          the zeros of Z are the threshold's mask

Saved: Z alone.
"""

from specframe import spectrum
from specframe.op import Op, check_tensors
from specframe.ops.split_activation import ACTIVATIONS, check_activation, parts
from specframe.ops.threshold import check_beta, kept_entries
from specframe.tape import apply
from specframe.tensor import Tensor


class SpectralAct(Op):
    name = "spectral_act"
    exact_zeros = ("Z",)  # zero where the threshold dropped

    @staticmethod
    def forward(ctx, Y, s, beta, activation, scale):
        b, xp, f = ctx.backend, ctx.xp, ACTIVATIONS[activation].f
        ctx.spectrum, ctx.activation, ctx.scale = s, activation, scale
        Y = b.where(kept_entries(Y, beta), Y)
        Z = (scale * f(xp, parts(xp, Y) / scale)).view(Y.dtype)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        b, xp, slope, Z = ctx.backend, ctx.xp, ACTIVATIONS[ctx.activation].slope, ctx["Z"].dense()
        gY = slope(xp, parts(xp, Z) / ctx.scale) * parts(xp, gZ)
        return b.where(Z != 0, gY.view(gZ.dtype))


def spectral_act(Y: Tensor, beta: float = 0.5, activation: str = "tanh", scale: float = 1.0) -> Tensor:
    """split_activation(threshold(Y, beta), activation, scale), in one op that saves Z only.

    Parameters
    ----------
    Y : Tensor (P, Q, batch, channels), complex, that carries its grid
    beta : float, 0 or more, as in threshold
    activation, scale : as in split_activation

    Returns
    -------
    Z : Tensor like Y
        Carries its grid, and, where a body of the op found out, which frequencies hold anything.

    Raises
    ------
    ValueError
        As the two ops do, or Y carries no grid.
    """
    op = "spectral_act"
    check_tensors(op, Y)
    s = spectrum.of(Y, op)
    spectrum.check_half(Y, s, op)
    check_beta(beta, op)
    check_activation(activation, scale, op)
    return apply(SpectralAct, Y, s=s, beta=float(beta), activation=activation, scale=float(scale))
