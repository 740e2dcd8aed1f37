"""decimate: every s-th row and column of a map, taken in its spectrum by folding (end of section 3.1).

    X  (P, Q, batch, channels) on the grid P x W          Y  (P', Q', batch, channels) on P' x W' = P/s x W/s

On the coarse grid the frequencies p, p + P', p + 2 P', ... look alike, and q, q + W', ... too: the whole spectrum is
folded and these aliases add up. Half of it is stored; the other half is its mirror image, (P, W) points in all:
m X / 2 + conj(m X / 2 at [-p, -q]), with m the column weights. So, with T and G on P' x W' points,

    forward    T[u, v] = sum of m[q] / 2 X[p, q]  over  p = u mod P', q = v mod W'
               Y[u, v] = f (T[u, v] + conj(T[-u, -v]))                     v = 0 .. W'//2
    backward   G[u, v] = gY[u, v] + conj(gY[-u, -v])                       gY zero beyond its Q' columns
               gX[p, q] = f m[q] / 2 G[p mod P', q mod W']

with f = 1 / s in the ortho norm and 1 / s^2 without. The result is rfft2 of irfft2(X)[::s, ::s], for any X: of edge
columns that are not Hermitian the Hermitian part counts, as in irfft2. Saved: nothing.

The samples start at row 0 and column 0 of the map. After a spectral convolution, which is the "same" one, this is the
spatial convolution with stride s and padding ((c, k - 1 - c), (c, k - 1 - c)), c = (k - 1) // 2: conv2d(stride=s,
padding="same") here, padding=(k - 1) // 2 for an odd kernel in PyTorch. (TensorFlow's "SAME" starts elsewhere.)
"""

from specframe import spectrum
from specframe.op import Op, check_tensors
from specframe.ops._weights import weights_on
from specframe.spectrum import Spectrum
from specframe.tape import apply
from specframe.tensor import Tensor


def _with_mirror(xp, T):
    """T[u, v] + conj(T[-u, -v])."""
    return T + xp.conj(xp.roll(T[::-1, ::-1], (1, 1), axis=(0, 1)))


def _half_weights(ctx, dtype):
    """f m / 2, shape (Q, 1, 1)."""
    f = 1 / ctx.stride if ctx.source.norm == "ortho" else 1 / ctx.stride**2
    return weights_on(ctx.backend, ctx.source.grid[1], dtype) * dtype.type(f / 2)


def _bands(Q, W):
    """The Q stored columns in runs of at most W, each run within one alias."""
    return [slice(start, min(start + W, Q)) for start in range(0, Q, W)]


class Decimate(Op):
    name = "decimate"

    @staticmethod
    def forward(ctx, X, s, stride):
        ctx.source, ctx.stride = s, stride
        grid, size = tuple(n // stride for n in s.grid), tuple(-(-n // stride) for n in s.size)
        ctx.spectrum = Spectrum(grid, size, s.norm)
        return Decimate.remake(ctx, X)

    @staticmethod
    def remake(ctx, X):
        xp, (P, W), Q = ctx.xp, ctx.spectrum.grid, X.shape[1]
        rows = X.reshape(ctx.stride, P, *X.shape[1:]).sum(axis=0)  # (P', Q, batch, channels)
        rows *= _half_weights(ctx, X.real.dtype)
        T = xp.zeros((P, W, *X.shape[2:]), X.dtype)
        for band in _bands(Q, W):
            T[:, : band.stop - band.start] += rows[:, band]
        return xp.ascontiguousarray(_with_mirror(xp, T)[:, : W // 2 + 1])

    @staticmethod
    def backward(ctx, gY):
        xp, (P, W), Q = ctx.xp, ctx.spectrum.grid, ctx.source.half[1]
        G = xp.zeros((P, W, *gY.shape[2:]), gY.dtype)
        G[:, : gY.shape[1]] = gY
        G, weights = _with_mirror(xp, G), _half_weights(ctx, gY.real.dtype)
        gX = xp.empty((ctx.stride, P, Q, *gY.shape[2:]), gY.dtype)
        for band in _bands(Q, W):
            gX[:, :, band] = G[:, : band.stop - band.start] * weights[band]
        return gX.reshape(ctx.stride * P, *gX.shape[2:])


class DecimateRemade(Decimate):
    """Variant for an input that is recomputed: who saves the result keeps the sources of the input instead."""

    recompute = "always"


def check_stride(stride, op):
    if not (stride >= 1 and stride % 1 == 0):  # also refuses NaN
        raise ValueError(f"{op}: the stride must be a whole number above 0, got {stride}")


def decimate(Y: Tensor, stride: int) -> Tensor:
    """The spectrum of every `stride`-th row and column of the map, from the first one on.

    Parameters
    ----------
    Y : Tensor (P, Q, batch, channels), complex, that carries its grid; P and W are multiples of the stride
        (grids.choose_grid takes the stride).
    stride : int

    Returns
    -------
    Tensor (P / stride, W / stride // 2 + 1, batch, channels)
        On the grid (P / stride, W / stride), for maps of ceil(size / stride), in the norm of Y.

    Raises
    ------
    ValueError
        The stride does not divide the grid, or Y carries none.

    >>> import numpy as np, specframe as sf
    >>> X = sf.ops.rfft2(sf.Tensor(np.arange(24.0).reshape(4, 6, 1, 1)), (4, 6))
    >>> sf.ops.irfft2(sf.ops.decimate(X, 2)).data[:, :, 0, 0].round(12) + 0
    array([[ 0.,  2.,  4.],
           [12., 14., 16.]])
    """
    check_tensors("decimate", Y)
    check_stride(stride, "decimate")
    s, stride = spectrum.of(Y, "decimate"), int(stride)
    spectrum.check_half(Y, s, "decimate")
    if s.grid[0] % stride or s.grid[1] % stride:
        raise ValueError(f"decimate: the grid {s.grid} is not a multiple of the stride {stride}; choose one that is")
    remade = Y.recipe is not None and Y.recipe.op.recompute == "always"
    return apply(DecimateRemade if remade else Decimate, Y, s=s, stride=stride)
