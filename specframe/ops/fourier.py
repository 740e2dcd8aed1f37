"""rfft2 and irfft2: from maps to half spectra and back.

    x, y  (rows, cols, batch, channels)  real         X, Z  (P, Q, batch, channels)  complex, Q = W//2 + 1

With F the DFT on the grid P x W, m the column weights (1 for column 0 and for column W/2 of an even W, else 2: those
columns stand for their mirror images too), everything in the ortho norm:

    rfft2     forward    X = F x = rfft2(x)                      x zero-padded to the grid
              backward   gx = irfft2(gX / m)                     cropped to (rows, cols)
    irfft2    forward    y = Re F^H (m Z) = irfft2(Z)            cropped to (rows, cols)
              backward   gZ = m rfft2(gy)

irfft2 is the inverse over the rows followed by the real inverse over the columns on every device, so edge columns
that are not Hermitian (a gradient has no reason to be) count with their Hermitian part. In the "backward" norm rfft2
has no factor and irfft2 has 1 / (P W); an adjoint keeps the factor of its forward, which for the transform in the other
direction is NumPy's "forward" norm. Both are linear and save nothing. The gradient convention: specframe/tensor.py.
"""

from collections.abc import Sequence

from specframe import grids, spectrum
from specframe.op import Op, check_tensors
from specframe.ops._weights import weights_on
from specframe.spectrum import Spectrum
from specframe.tape import apply
from specframe.tensor import Tensor

ADJOINT = {"ortho": "ortho", "backward": "forward"}  # norm of a forward: norm of the backward's transform


class RFFT2(Op):
    name, recompute = "rfft2", "always"

    @staticmethod
    def forward(ctx, x, grid, norm):
        ctx.spectrum = Spectrum(grid, x.shape[:2], norm)
        return ctx.backend.rfft2(x, grid, norm)

    @staticmethod
    def backward(ctx, gX):
        b, s, (rows, cols) = ctx.backend, ctx.spectrum, ctx.spectrum.size
        m = weights_on(b, s.grid[1], gX.real.dtype)
        gx = b.irfft2(gX / m, s.grid, ADJOINT[s.norm])[:rows, :cols]
        return ctx.xp.ascontiguousarray(gx)  # a view would keep the padding in memory

    @staticmethod
    def remake(ctx, x):
        return RFFT2.forward(ctx, x, ctx.spectrum.grid, ctx.spectrum.norm)


class IRFFT2(Op):
    name, recompute = "irfft2", "block"

    @staticmethod
    def forward(ctx, Z, s):
        ctx.source, (rows, cols) = s, s.size
        y = ctx.backend.irfft2(Z, s.grid, s.norm)[:rows, :cols]
        return ctx.xp.ascontiguousarray(y)

    @staticmethod
    def backward(ctx, gy):
        b, s = ctx.backend, ctx.source
        m = weights_on(b, s.grid[1], gy.dtype)
        return m * b.rfft2(gy, s.grid, ADJOINT[s.norm])

    @staticmethod
    def remake(ctx, Z):
        return IRFFT2.forward(ctx, Z, ctx.source)


def rfft2(x: Tensor, grid: Sequence[int], norm: str = "ortho") -> Tensor:
    """Half spectrum (P, W//2 + 1, batch, channels), complex64 or complex128, of real maps, zero-padded to a grid.

    It carries its grid, size and norm. An op that saves it keeps x instead and transforms again.

    Parameters
    ----------
    x : Tensor (rows, cols, batch, channels), float32 or float64
    grid : (P, W), at least (rows, cols)
    norm : "ortho" (Parseval holds; beta has a meaning) or "backward" (no factor)

    Raises
    ------
    ValueError
        x is complex or has not four axes, or the grid is smaller than the map.

    >>> import numpy as np, specframe as sf
    >>> sf.ops.rfft2(sf.Tensor(np.ones((3, 3, 1, 1))), (4, 4)).data[0, 0, 0, 0].item()     # sum / sqrt(16)
    (2.25+0j)
    """
    check_tensors("rfft2", x)
    spectrum.check_norm(norm, "rfft2")
    if x.data.ndim != 4 or x.data.dtype.kind != "f":
        raise ValueError(f"rfft2: expected real maps (rows, cols, batch, channels), got {x.shape} {x.dtype}")
    (P, W), size = grids.check_grid(grid, "rfft2"), x.data.shape[:2]
    if P < size[0] or W < size[1]:
        raise ValueError(f"rfft2: a grid of {P, W} cannot hold maps of {size}")
    return apply(RFFT2, x, grid=(P, W), norm=norm)


def irfft2(
    Z: Tensor, grid: Sequence[int] | None = None, size: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """Real maps (rows, cols, batch, channels), float32 or float64, of a half spectrum, cropped from the top left.

    Parameters
    ----------
    Z : Tensor (P, Q, batch, channels), complex
    grid, size, norm
        Taken from what Z carries (see rfft2). Where it carries none, the grid is needed, and the size is all of it.

    Raises
    ------
    ValueError
        Arguments that contradict what Z carries, or another shape.
    """
    check_tensors("irfft2", Z)
    s = spectrum.known(Z, grid, norm, "irfft2")
    if size is not None:
        s = Spectrum(s.grid, tuple(size), s.norm, s.active)
        if s.size[0] > s.grid[0] or s.size[1] > s.grid[1]:
            raise ValueError(f"irfft2: a crop of {s.size} is larger than the grid {s.grid}")
    spectrum.check_half(Z, s, "irfft2")
    return apply(IRFFT2, Z, s=s)
