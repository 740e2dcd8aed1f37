"""Split tanh, eqs. (5) and (6): tanh of the real and of the imaginary part, with a scale.

    forward    Z = a tanh(Re(Y) / a) + i a tanh(Im(Y) / a)              a = 1 in the paper
    backward   gY = (1 - (Re(Z) / a)^2) Re(gZ) + i (1 - (Im(Z) / a)^2) Im(gZ)          eq. (9), from the output

tanh is odd, so the Hermitian symmetry of a spectrum survives (eq. 8), and zero stays zero, so sparsity does. The scale
moves the bend: low frequencies are large, and with a = 1 nearly all of them saturate. Saved: the output, which the
next convolution needs anyway; the derivative follows from it.
"""

from specframe.tape import Op, apply, check_tensors


def parts(xp, array):
    """A complex array seen as a real one with twice the entries in its last axis (both parts are treated alike)."""
    return xp.ascontiguousarray(array).view(array.real.dtype) if array.dtype.kind == "c" else array


def forward(xp, Y, scale):
    """a tanh(part / a) of plain arrays."""
    Z = xp.array(Y, order="C")  # a copy; `parts` of another order would be one more, and Z left unchanged
    z, a = parts(xp, Z), Z.real.dtype.type(scale)
    if scale != 1:
        z /= a
    xp.tanh(z, out=z)
    if scale != 1:
        z *= a
    return Z


def backward(xp, gZ, Z, scale):
    """(1 - (part of Z / a)^2) part of gZ, of plain arrays."""
    z = parts(xp, Z)
    slope = z * z
    slope *= -1 / (z.dtype.type(scale) * z.dtype.type(scale))
    slope += 1
    slope *= parts(xp, gZ)
    return slope.view(gZ.dtype).reshape(gZ.shape)  # ascontiguousarray gives a 0-d array an axis


class SplitTanh(Op):
    name = "split_tanh"

    @staticmethod
    def forward(ctx, Y, scale, carries):
        ctx.scale, ctx.carries = scale, carries
        Z = forward(ctx.xp, Y, scale)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        return backward(ctx.xp, gZ, ctx["Z"].dense(), ctx.scale)


def check_scale(scale, op):
    if not scale > 0:
        raise ValueError(f"{op}: the scale of tanh must be above 0, got {scale}")


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
    check_scale(scale, "split_tanh")
    return apply(SplitTanh, Y, scale=float(scale), carries=Y.spectrum)
