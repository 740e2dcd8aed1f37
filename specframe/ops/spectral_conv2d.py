"""Convolution in the spectrum, eq. (2): a matrix product over the channels at every frequency.

    X  (P, Q, batch, c_in)    weight k  (c_out, c_in, k, k) real, in space    bias b  (c_out,) real
    K  (P, Q, c_in, c_out)    Y  (P, Q, batch, c_out)

    forward    K = E k                                       E the centred DFT matrix, ops/_kernel.py
               Y = X @ K                                     eq. (2)
               Y[0, 0] += b d                                d = sqrt(P W) (ortho): a constant b in space

    backward   gX = gY @ K^H                                 eq. (3), with the conjugates that it lacks in print
               gK = X^H @ gY                                 eq. (3)
               gk = Re(E^H gK)                               eq. (4): only the k x k entries
               gb = d Re(sum over the batch of gY[0, 0])

The spectrum of the kernel is never kept: the backward makes it again from the weight. Saved: X and the weight (which
lives anyway). An op that would save Y (spectral batch normalisation) keeps these instead and makes the product again.
Under eq. (4) the paper adds lambda times the gradient; descent subtracts it (docs/errata.md).
"""

from collections.abc import Sequence

from specframe import spectrum
from specframe.op import Op, check_tensors
from specframe.ops import _kernel
from specframe.tape import apply
from specframe.tensor import Tensor


class SpectralConv2d(Op):
    name, recompute = "spectral_conv2d", "always"

    @classmethod
    def forward(cls, ctx, X, weight, bias, s):
        ctx.spectrum = s.with_active(None)
        if ctx.needs[1]:
            ctx.save(X=X)
        ctx.save(weight=weight)
        return cls.remake(ctx, X, weight, bias)

    @staticmethod
    def remake(ctx, X, weight, bias=None):
        s = ctx.spectrum
        E = _kernel.matrix(ctx.backend, s.grid, weight.shape[-1], weight.dtype)
        K = _kernel.spectrum_of(ctx.xp, E, weight)
        Y = X @ K  # eq. (2)
        if bias is not None:
            Y[0, 0] += bias * s.dc_gain
        return Y

    @staticmethod
    def backward(ctx, gY):
        b, xp, s, weight = ctx.backend, ctx.xp, ctx.spectrum, ctx["weight"].dense()
        E = _kernel.matrix(b, s.grid, weight.shape[-1], weight.dtype)
        gX = gk = gb = None
        if ctx.needs[1]:  # first: X, which may be made again for it, is gone before gX comes
            gK = b.matmul(ctx["X"].dense(), gY, adjoint_a=True)  # eq. (3)
            gk = _kernel.adjoint(xp, E, gK)  # eq. (4)
        if ctx.needs[0]:
            K = _kernel.spectrum_of(xp, E, weight)
            gX = b.matmul(gY, K, adjoint_b=True)  # eq. (3)
        if ctx.needs[2]:
            gb = gY[0, 0].real.sum(axis=0) * s.dc_gain
        return gX, gk, gb


def check(op, X, weight, bias, grid, norm):
    """The Spectrum of X, after the arguments of a spectral convolution have been found to fit."""
    check_tensors(op, X, weight, bias)
    s = spectrum.known(X, grid, norm, op)
    spectrum.check_half(X, s, op)
    X, weight, bias = X.data, weight.data, None if bias is None else bias.data
    if weight.ndim != 4 or weight.shape[1] != X.shape[3] or weight.shape[2] != weight.shape[3]:
        raise ValueError(f"{op}: expected a weight (c_out, {X.shape[3]}, k, k), got {weight.shape}")
    if weight.dtype != X.real.dtype:
        raise ValueError(f"{op}: a {X.dtype} spectrum needs a {X.real.dtype} weight, got {weight.dtype}")
    if weight.shape[2] > min(s.grid):
        raise ValueError(f"{op}: a kernel of {weight.shape[2]} is larger than the grid {s.grid}")
    if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != weight.dtype):
        raise ValueError(f"{op}: expected a bias ({weight.shape[0]},) {weight.dtype}, got {bias.shape} {bias.dtype}")
    return s


def spectral_conv2d(
    X: Tensor, weight: Tensor, bias: Tensor | None = None, *, grid: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
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
