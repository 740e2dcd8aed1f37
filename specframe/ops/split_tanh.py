"""Split tanh, eqs. (5) and (6): the paper's activation, tanh of the real and of the imaginary part, with a scale a.

    forward    Z = a tanh(Re(Y) / a) + i a tanh(Im(Y) / a)              a = 1 in the paper
    backward   gY = (1 - (Re(Z) / a)^2) Re(gZ) + i (1 - (Im(Z) / a)^2) Im(gZ)          eq. (9), from the output

Saved: the output, which the next convolution needs anyway.
"""

from specframe.op import Op, check_tensors
from specframe.ops.split_activation import check_activation, parts
from specframe.tape import apply
from specframe.tensor import Tensor


class SplitTanh(Op):
    name = "split_tanh"

    @staticmethod
    def forward(ctx, Y, scale, s):
        xp, ctx.scale, ctx.spectrum = ctx.xp, scale, s
        z = scale * xp.tanh(parts(xp, Y) / scale)  # Re and Im side by side
        Z = z.view(Y.dtype).reshape(Y.shape)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        xp = ctx.xp
        t, g = parts(xp, ctx["Z"].dense()) / ctx.scale, parts(xp, gZ)
        gY = (1 - t * t) * g
        return gY.view(gZ.dtype).reshape(gZ.shape)


def split_tanh(Y: Tensor, scale: float = 1.0) -> Tensor:
    """a tanh(part / a) on the real and the imaginary part.

    Parameters
    ----------
    Y : Tensor, complex (or real), any shape
    scale : float above 0
        a. Parts much smaller than a pass unchanged, larger ones bend towards a.

    Raises
    ------
    ValueError
        scale is not above 0.
    """
    check_tensors("split_tanh", Y)
    check_activation("tanh", scale, "split_tanh")
    return apply(SplitTanh, Y, scale=float(scale), s=Y.spectrum)
