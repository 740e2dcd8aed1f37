"""rfft2 and irfft2 by products with the DFT matrices (dft.py); on large grids, where the FFT is faster, as in ops/."""

import math

from specframe.backend import CPU
from specframe.fast.cpu import dft
from specframe.fast.register import register
from specframe.ops.fourier import IRFFT2, RFFT2
from specframe.spectrum import Spectrum

PRODUCTS_UP_TO = 64  # grid points a side (benchmarks/dft.py)


def _scales(s):
    """The factors of rfft2 and of irfft2 in the norm of s."""
    points = s.grid[0] * s.grid[1]
    return (1 / math.sqrt(points),) * 2 if s.norm == "ortho" else (1.0, 1.0 / points)


def _support(gX):
    """Frequencies at which gX is not zero."""
    flat = gX.reshape(*gX.shape[:2], -1)
    return (flat.view(flat.real.dtype) != 0).any(axis=2)


@register(RFFT2, CPU)
class FastRFFT2(RFFT2):
    @staticmethod
    def forward(ctx, x, grid, norm):
        ctx.spectrum = Spectrum(grid, x.shape[:2], norm)
        return FastRFFT2.remake(ctx, x)

    @staticmethod
    def backward(ctx, gX):
        s = ctx.spectrum
        if max(s.grid) > PRODUCTS_UP_TO:
            return RFFT2.backward(ctx, gX)
        # gX / m undoes the m of irfft2: together, the synthesis without weights.
        return dft.synthesis(gX, s.grid, s.size, _scales(s)[0], active=_support(gX))

    @staticmethod
    def remake(ctx, x):
        s = ctx.spectrum
        if max(s.grid) > PRODUCTS_UP_TO:
            return RFFT2.remake(ctx, x)
        return dft.analysis(x, s.grid, _scales(s)[0])


@register(IRFFT2, CPU)
class FastIRFFT2(IRFFT2):
    @staticmethod
    def forward(ctx, Z, s):
        ctx.source = s
        return FastIRFFT2.remake(ctx, Z)

    @staticmethod
    def backward(ctx, gy):
        s = ctx.source
        if max(s.grid) > PRODUCTS_UP_TO:
            return IRFFT2.backward(ctx, gy)
        return dft.analysis(gy, s.grid, _scales(s)[1], weighted=True, active=s.active)

    @staticmethod
    def remake(ctx, Z):
        s = ctx.source
        if max(s.grid) > PRODUCTS_UP_TO:
            return IRFFT2.remake(ctx, Z)
        return dft.synthesis(Z, s.grid, s.size, _scales(s)[1], weighted=True, active=s.active)
