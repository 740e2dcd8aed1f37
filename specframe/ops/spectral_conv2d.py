"""Convolution in the spectrum, eq. (2): a matrix product over the channels at every frequency.

    X  (P, Q, batch, c_in)    weight k  (c_out, c_in, k, k) real, in space    bias b  (c_out,) real
    K  (P, Q, c_in, c_out)    Y  (P, Q, batch, c_out)

    forward    K = E k                                       E the centred DFT matrix, ops/_kernel.py
               Y = X @ K                                     eq. (2)
               Y[0, 0] += b s                                s = sqrt(P W) (ortho): a constant b in space

    backward   gX = gY @ conj(K)^T                           eq. (3), with the conjugates it lacks in print
               gK = conj(X)^T @ gY
               gk = Re(E^H gK)                               eq. (4): only the k x k entries
               gb = s Re(sum over the batch of gY[0, 0])

The spectrum of the kernel is never kept: the backward makes it again from the weight. Saved: X and the weight (which
lives anyway). An op that would save Y (spectral batch normalisation) keeps these instead and makes the product again.
Under eq. (4) the paper adds lambda times the gradient; descent subtracts it (docs/errata.md).
"""

from specframe import grids, spectrum
from specframe.op import Op, check_tensors
from specframe.ops import _kernel
from specframe.tape import apply


def product(b, X, weight, bias, s):
    """Y of plain arrays."""
    P, Q, batch, c_in = X.shape
    K = _kernel.spectrum_of(b, weight, s.grid)
    Y = b.matmul(X.reshape(P * Q, batch, c_in), K)
    if bias is not None:
        Y[0] += bias * bias.dtype.type(s.dc_gain)
    return Y.reshape(P, Q, batch, weight.shape[0])


class SpectralConv2d(Op):
    name, recompute = "spectral_conv2d", "always"

    @staticmethod
    def forward(ctx, X, weight, bias, s):
        ctx.spectrum, ctx.input_shape = s.with_active(None), X.shape
        if ctx.needs[1]:
            ctx.save(X=X)
        if ctx.recording:
            ctx.save(weight=weight)
        return product(ctx.backend, X, weight, bias, s)

    @staticmethod
    def remake(ctx, X, weight, bias=None):
        return product(ctx.backend, X, weight, bias, ctx.spectrum)

    @staticmethod
    def backward(ctx, gY):
        b, s = ctx.backend, ctx.spectrum
        P, Q, batch, c_in = ctx.input_shape
        weight = ctx["weight"].dense()
        gY = gY.reshape(P * Q, batch, -1)
        gX = gk = gb = None
        if ctx.needs[1]:  # first: X is gone before gX comes
            X = ctx["X"].dense().reshape(P * Q, batch, c_in)
            gK = b.matmul(X, gY, adjoint_a=True)
            del X
            gk = _kernel.adjoint(b, gK, weight.shape[-1], s.grid)
        if ctx.needs[0]:
            K = _kernel.spectrum_of(b, weight, s.grid)
            gX = b.matmul(gY, K, adjoint_b=True).reshape(P, Q, batch, c_in)
        if ctx.needs[2]:
            gb = gY[0].real.sum(axis=0) * weight.dtype.type(s.dc_gain)
        return gX, gk, gb


def check(op, X, weight, bias, grid, norm):
    """The Spectrum of X, after the arguments of a spectral convolution have been found to fit."""
    check_tensors(op, X, weight, bias)
    grid = None if grid is None else grids.check_grid(grid, op)
    if X.spectrum is None and grid is not None:
        s = spectrum.Spectrum(grid, grid, norm or "ortho")
        spectrum.check_norm(s.norm, op)
    else:
        s = spectrum.of(X, op)
    if (grid is not None and grid != s.grid) or (norm is not None and norm != s.norm):
        raise ValueError(f"{op}: grid {grid} and norm {norm} contradict the spectrum's own {s.grid}, {s.norm}")
    spectrum.check_half(X, s, op)
    if weight.ndim != 4 or weight.shape[1] != X.shape[3] or weight.shape[2] != weight.shape[3]:
        raise ValueError(f"{op}: expected a weight (c_out, {X.shape[3]}, k, k), got {weight.shape}")
    if weight.dtype != X.data.real.dtype:
        raise ValueError(f"{op}: a {X.dtype} spectrum needs a {X.data.real.dtype} weight, got {weight.dtype}")
    if weight.shape[2] > min(s.grid):
        raise ValueError(f"{op}: a kernel of {weight.shape[2]} is larger than the grid {s.grid}")
    if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != weight.dtype):
        raise ValueError(f"{op}: expected a bias ({weight.shape[0]},) {weight.dtype}, got {bias.shape} {bias.dtype}")
    return s


def spectral_conv2d(X, weight, bias=None, *, grid=None, norm=None):
    """Convolve in the spectrum, eq. (2).

    Parameters
    ----------
    X : Tensor (P, Q, batch, c_in), complex, as rfft2 returns it
    weight : Tensor (c_out, c_in, k, k), real; cross-correlation, as in every deep-learning framework
    bias : Tensor (c_out,) or None
    grid, norm : only for a spectrum that carries none; else checked against it

    Returns
    -------
    Tensor (P, Q, batch, c_out)
        irfft2 of it, on a grid with room for the kernel, is the "same" convolution of the maps.

    Raises
    ------
    ValueError
        A shape, dtype, grid or norm does not fit; the sentence says which.
    """
    s = check("spectral_conv2d", X, weight, bias, grid, norm)
    return apply(SpectralConv2d, X, weight, bias, s=s)
