"""rfft2 and irfft2: from maps to half spectra and back.

    x  (rows, cols, batch, channels)  real            X, Z  (P, Q, batch, channels)  complex, Q = W//2 + 1

With F the DFT on the grid P x W, m the column weights (1 for column 0 and for column W/2 of an even W, else 2: those
columns stand for their mirror images too), and everything in the ortho norm:

    rfft2     forward    X = F x                     x zero-padded to the grid
              backward   gx = irfft2(gX / m)         cropped to (rows, cols)
    irfft2    forward    y = Re F^H (m Z)            cropped to (rows, cols)
              backward   gZ = m rfft2(gy)

irfft2 is the inverse over the rows followed by the real inverse over the columns on every device, so edge columns
that are not Hermitian (a gradient has no reason to be) count with their Hermitian part. In the "backward" norm rfft2
has no factor and irfft2 has 1 / (P W); the adjoints keep the factor of their forward.

Neither saves anything: both are linear. The gradient convention is in specframe/tensor.py.
"""

from specframe import grids, spectrum
from specframe.op import Op, check_tensors
from specframe.ops import _dft
from specframe.spectrum import Spectrum
from specframe.tape import apply


class RFFT2(Op):
    name, recompute = "rfft2", "always"

    @staticmethod
    def forward(ctx, x, grid, norm):
        ctx.spectrum = Spectrum(grid, x.shape[:2], norm)
        ctx.scale = _dft.transform_scales(grid, norm)[0]
        return RFFT2.remake(ctx, x)

    @staticmethod
    def backward(ctx, gX):
        # gX / m undoes the m of irfft2: together, the synthesis without weights.
        s = ctx.spectrum
        return _dft.synthesis(gX, s.grid, s.size, ctx.scale, active=_support(ctx.backend, gX))

    @staticmethod
    def remake(ctx, x):
        return _dft.analysis(x, ctx.spectrum.grid, ctx.scale)


class IRFFT2(Op):
    name, recompute = "irfft2", "block"

    @staticmethod
    def forward(ctx, Z, s):
        ctx.source, ctx.scale = s, _dft.transform_scales(s.grid, s.norm)[1]
        return IRFFT2.remake(ctx, Z)

    @staticmethod
    def backward(ctx, gy):
        s = ctx.source
        return _dft.analysis(gy, s.grid, ctx.scale, weighted=True, active=s.active)

    @staticmethod
    def remake(ctx, Z):
        s = ctx.source
        return _dft.synthesis(Z, s.grid, s.size, ctx.scale, weighted=True, active=s.active)


def _support(b, gX):
    """Frequencies at which gX is not zero; None (all) where looking would make the host wait."""
    if b.reading_waits:
        return None
    flat = gX.reshape(*gX.shape[:2], -1)
    return (flat.view(flat.real.dtype) != 0).any(axis=2)


def rfft2(x, grid, norm="ortho"):
    """Half spectrum of real maps, zero-padded to a grid.

    Parameters
    ----------
    x : Tensor (rows, cols, batch, channels), float32 or float64
    grid : (P, W), at least (rows, cols)
    norm : "ortho" (Parseval holds; beta has a meaning) or "backward" (no factor)

    Returns
    -------
    Tensor (P, W//2 + 1, batch, channels), complex64 or complex128
        It carries its grid, size and norm. An op that saves it keeps x instead and transforms again.

    Raises
    ------
    ValueError
        x is complex or has not four axes, or the grid is smaller than the map.

    >>> import numpy as np, specframe as sf
    >>> sf.ops.rfft2(sf.Tensor(np.ones((3, 3, 1, 1))), (4, 4)).data[0, 0, 0, 0]     # sum / sqrt(16)
    np.complex128(2.25+0j)
    """
    spectrum.check_norm(norm, "rfft2")
    if x.ndim != 4 or x.dtype.kind != "f":
        raise ValueError(f"rfft2: expected real maps (rows, cols, batch, channels), got {x.shape} {x.dtype}")
    grid, size = grids.check_grid(grid, "rfft2"), x.shape[:2]
    if grid[0] < size[0] or grid[1] < size[1]:
        raise ValueError(f"rfft2: a grid of {grid} cannot hold maps of {size}")
    return apply(RFFT2, x, grid=grid, norm=norm)


def irfft2(Z, grid=None, size=None, norm=None):
    """Real maps of a half spectrum, cropped from the top left.

    Parameters
    ----------
    Z : Tensor (P, Q, batch, channels), complex
    grid, size, norm
        Taken from what Z carries (see rfft2); needed, and then checked, only where it carries nothing. Size is the
        whole grid by default in that case.

    Returns
    -------
    Tensor (rows, cols, batch, channels), float32 or float64

    Raises
    ------
    ValueError
        Arguments that contradict what Z carries, or a shape that is not the half spectrum of the grid.
    """
    check_tensors("irfft2", Z)
    grid = None if grid is None else grids.check_grid(grid, "irfft2")
    s = Z.spectrum
    if s is None:
        if grid is None:
            raise ValueError("irfft2: this tensor carries no grid; pass grid=(P, W)")
        s = Spectrum(grid, grid, norm or "ortho")
        spectrum.check_norm(s.norm, "irfft2")
    for given, carried, what in ((grid, s.grid, "grid"), (norm, s.norm, "norm")):
        if given is not None and given != carried:
            raise ValueError(f"irfft2: {what} {given} contradicts the spectrum's own {carried}")
    if size is not None and tuple(size) != s.size:
        if size[0] > s.grid[0] or size[1] > s.grid[1]:
            raise ValueError(f"irfft2: a crop of {tuple(size)} is larger than the grid {s.grid}")
        s = Spectrum(s.grid, tuple(size), s.norm, s.active)
    spectrum.check_half(Z, s, "irfft2")
    return apply(IRFFT2, Z, s=s)
