"""spectral_act in a kernel each way (_activate.py)."""

from specframe.backend import CUDA
from specframe.fast.cuda import _activate
from specframe.fast.register import register
from specframe.ops.spectral_act import SpectralAct


@register(SpectralAct, CUDA)
class CudaSpectralAct(SpectralAct):
    @staticmethod
    def forward(ctx, Y, s, beta, activation, scale):
        ctx.spectrum, ctx.activation, ctx.scale = s, activation, scale
        Z = _activate.forward(ctx.backend, Y, None, 0, beta, activation, scale)
        ctx.save(Z=Z)
        return Z

    @staticmethod
    def backward(ctx, gZ):
        return _activate.backward(ctx.backend, ctx["Z"], gZ, ctx.activation, ctx.scale)
