"""spectral_conv2d and spectral_conv_act: products that read their factors as they lie, and one kernel behind them.

The spectrum of the weight is one product (_spectrum.py), its conjugate and the transposes are flags of the library's,
and bias, threshold and activation go over Y once, in its place (_activate.py).
"""

from specframe.backend import CUDA
from specframe.fast.cuda import _activate
from specframe.fast.cuda._spectrum import adjoint, spectrum_of
from specframe.fast.register import register
from specframe.ops.spectral_conv2d import SpectralConv2d
from specframe.ops.spectral_conv_act import SpectralConvAct


def gradients(ctx, gY):
    """gX, gk and gb of Y = X K + b d in bin (0, 0), where they are asked for."""
    b, s, weight = ctx.backend, ctx.spectrum, ctx["weight"].dense()
    gX = gk = gb = None
    if ctx.needs[1]:  # first: X, which may be made again for it, is gone before gX comes
        gk = adjoint(b, s, b.matmul(ctx["X"].dense(), gY, adjoint_a=True), weight)
    if ctx.needs[0]:
        gX = b.matmul(gY, spectrum_of(b, s, weight), adjoint_b=True)
    if ctx.needs[2]:
        gb = gY[0, 0].real.sum(axis=0) * weight.dtype.type(s.dc_gain)
    return gX, gk, gb


@register(SpectralConv2d, CUDA)
class CudaSpectralConv2d(SpectralConv2d):
    @staticmethod
    def forward(ctx, X, weight, bias, s):
        ctx.spectrum = s.with_active(None)
        if ctx.needs[1]:
            ctx.save(X=X)
        ctx.save(weight=weight)
        return CudaSpectralConv2d.remake(ctx, X, weight, bias)

    @staticmethod
    def remake(ctx, X, weight, bias=None):
        s = ctx.spectrum
        Y = ctx.xp.matmul(X, spectrum_of(ctx.backend, s, weight))
        if bias is not None:
            Y[0, 0] += bias * weight.dtype.type(s.dc_gain)
        return Y

    backward = staticmethod(gradients)


@register(SpectralConvAct, CUDA)
class CudaSpectralConvAct(SpectralConvAct):
    @staticmethod
    def forward(ctx, X, weight, bias, s, beta, activation, scale):
        ctx.spectrum, ctx.activation, ctx.scale = s.with_active(None), activation, scale
        if ctx.needs[1]:
            ctx.save(X=X)
        Y = ctx.xp.matmul(X, spectrum_of(ctx.backend, s, weight))
        Z = _activate.forward(ctx.backend, Y, bias, s.dc_gain, beta, activation, scale, out=Y)
        ctx.save(weight=weight, Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        return gradients(ctx, _activate.backward(ctx.backend, ctx["Z"], gZ, ctx.activation, ctx.scale))
