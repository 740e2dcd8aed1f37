"""Split tanh, eqs. (5) and (6): the paper's activation, tanh of the real and of the imaginary part, with a scale.

    forward    Z = a tanh(Re(Y) / a) + i a tanh(Im(Y) / a)              a = 1 in the paper
    backward   gY = (1 - (Re(Z) / a)^2) Re(gZ) + i (1 - (Im(Z) / a)^2) Im(gZ)          eq. (9), from the output

The row "tanh" of ops/split_activation.py, where both are computed, under its own name. Saved: the output.
"""

from specframe.op import check_tensors
from specframe.ops.split_activation import SplitActivation, check_activation
from specframe.tape import apply


class SplitTanh(SplitActivation):
    name = "split_tanh"

    @staticmethod
    def forward(ctx, Y, scale, s):
        return SplitActivation.forward(ctx, Y, "tanh", scale, s)


def split_tanh(Y, scale=1.0):
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
