"""split_activation and split_tanh with one map for the result and none besides: tanh works in place."""

import numpy as np

from specframe.backend import CPU
from specframe.fast.register import register
from specframe.ops.split_activation import ACTIVATIONS, SplitActivation, parts
from specframe.ops.split_tanh import SplitTanh


def activate(Y, activation, scale):
    """a f(part / a), of plain arrays."""
    Z = np.array(Y, order="C")  # a copy; of another order `parts` would be one more, and Z left unchanged
    z, a = parts(np, Z), Z.real.dtype.type(scale)
    if scale != 1:
        z /= a
    if activation == "tanh":
        np.tanh(z, out=z)
    else:
        z[...] = ACTIVATIONS[activation].f(np, z)
    if scale != 1:
        z *= a
    return Z


def activate_backward(gZ, Z, activation, scale):
    """f'(part / a) part of gZ, of plain arrays; the slope from Z."""
    t = parts(np, Z) / Z.real.dtype.type(scale)
    if activation == "tanh":
        t *= t
        np.subtract(1, t, out=t)
    else:
        t = ACTIVATIONS[activation].slope(np, t)
    t *= parts(np, gZ)
    return t.view(gZ.dtype).reshape(gZ.shape)


@register(SplitActivation, CPU)
class FastSplitActivation(SplitActivation):
    @staticmethod
    def forward(ctx, Y, activation, scale, s):
        ctx.activation, ctx.scale, ctx.spectrum = activation, scale, s
        Z = activate(Y, activation, scale)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        return activate_backward(gZ, ctx["Z"].dense(), ctx.activation, ctx.scale)


@register(SplitTanh, CPU)
class FastSplitTanh(SplitTanh):
    @staticmethod
    def forward(ctx, Y, scale, s):
        return FastSplitActivation.forward(ctx, Y, "tanh", scale, s)

    @staticmethod
    def backward(ctx, gZ):
        return FastSplitActivation.backward(ctx, gZ)
