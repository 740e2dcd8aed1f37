"""rfft2 and irfft2: column weights and factors of the norm join a pass that runs anyway.

rfft2    backward   gx = irfft2(gX / m): 1 / m with the Hermitian part of the edge columns (backend/edges.py)
irfft2   backward   gZ = m rfft2(gy): m times the factor of the norm, over the transform without a factor
"""

import math

from specframe.backend import CUDA, constant
from specframe.fast.register import register
from specframe.ops.fourier import ADJOINT, IRFFT2, RFFT2
from specframe.spectrum import column_weights


@constant
def _weights(b, W, real, factor):
    """factor m, (Q, 1, 1)"""
    return b.asarray(factor * column_weights(W, real)[:, None, None])


@register(RFFT2, CUDA)
class CudaRFFT2(RFFT2):
    @staticmethod
    def backward(ctx, gX):
        s, (rows, cols) = ctx.spectrum, ctx.spectrum.size
        gx = ctx.backend.irfft2(gX, s.grid, ADJOINT[s.norm], inner=0.5)[:rows, :cols]
        return ctx.xp.ascontiguousarray(gx)


@register(IRFFT2, CUDA)
class CudaIRFFT2(IRFFT2):
    @staticmethod
    def backward(ctx, gy):
        b, s = ctx.backend, ctx.source
        points = s.grid[0] * s.grid[1]
        factor = 1 / math.sqrt(points) if s.norm == "ortho" else 1 / points
        gZ = b.rfft2(gy, s.grid, "backward")
        gZ *= _weights(b, s.grid[1], gy.dtype, factor)
        return gZ
