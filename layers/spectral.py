"""Layers that work on the spectrum, and the block that goes there and back."""

import numpy as np

from specframe import ops
from specframe.layers import init
from specframe.layers.module import Module
from specframe.ops.split_tanh import check_scale
from specframe.ops.threshold import check_beta
from specframe.spectrum import check_norm, choose_grid

ACTIVATIONS = ("tanh",)


class SpectralConv2d(Module):
    """Convolution of spectra, eq. (2): (P, Q, batch, c_in) -> (P, Q, batch, c_out).

    Parameters
    ----------
    c_in, c_out, kernel_size : int
    bias, gain, rng, dtype : as in Linear. The weight is stored in space, (c_out, c_in, k, k).
    """

    def __init__(self, c_in, c_out, kernel_size, bias=True, *, gain=1.0, rng=None, dtype=np.float32):
        self.weight = init.fan_in_uniform(rng, (c_out, c_in, kernel_size, kernel_size), gain, dtype)
        self.bias = init.zeros(c_out, dtype) if bias else None

    def forward(self, X):
        return ops.spectral_conv2d(X, self.weight, self.bias)


class Threshold(Module):
    """Entries of a spectrum not above beta become zero."""

    def __init__(self, beta=0.5):
        self.beta = beta

    def forward(self, Y):
        return ops.threshold(Y, self.beta)


class SplitTanh(Module):
    """scale * tanh(part / scale) of the real and the imaginary part."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def forward(self, Y):
        return ops.split_tanh(Y, self.scale)


class SpectralBlock(Module):
    """Algorithm 1 and the way back: map -> spectrum -> (convolution, threshold, activation) x convs -> map.

        X = rfft2(x);   Z = split_tanh(threshold(X @ K + b));   y = irfft2(Z)

    Parameters
    ----------
    c_in, c_out, kernel_size : int
        The first convolution maps c_in to c_out channels, further ones c_out to c_out.
    beta : float, 0 or more
        Threshold on |Y|, in the units of `norm`.
    convs : int
        Convolutions in the block. They share one grid, so later ones wrap around its border unless `margin` is the
        sum of theirs.
    grid : str, int or pair, margin : int or None
        As in spectrum.choose_grid, chosen for each input's size.
    norm : "ortho" or "backward"
    activation : "tanh"
    scale : float
        Of the activation; the paper's is 1.
    gain : float
        Scales the initial weights.
    bias, rng, dtype : as in Linear

    Attributes
    ----------
    weight, bias, then weight2, bias2, ... : Parameters, one pair for each convolution

    Raises
    ------
    ValueError
        An unknown name, or a number out of range.
    """

    def __init__(
        self, c_in, c_out, kernel_size, beta=0.5, convs=1, grid="fast", norm="ortho", activation="tanh", scale=1.0,
        gain=1.0, *, margin=None, bias=True, rng=None, dtype=np.float32,
    ):  # fmt: skip
        if activation not in ACTIVATIONS:
            raise ValueError(f"SpectralBlock: unknown activation {activation!r}, choose {', '.join(ACTIVATIONS)}")
        if convs < 1:
            raise ValueError(f"SpectralBlock: expected at least one convolution, got {convs}")
        check_norm(norm, "SpectralBlock")
        check_beta(beta, "SpectralBlock")
        check_scale(scale, "SpectralBlock")
        self.kernel_size, self.beta, self.convs, self.scale = kernel_size, beta, convs, scale
        self.grid, self.norm, self.margin = grid, norm, margin
        rng = init.generator(rng)
        for suffix in self._suffixes():
            shape = (c_out, c_in if suffix == "" else c_out, kernel_size, kernel_size)
            setattr(self, f"weight{suffix}", init.fan_in_uniform(rng, shape, gain, dtype))
            setattr(self, f"bias{suffix}", init.zeros(c_out, dtype) if bias else None)

    def _suffixes(self):
        return ["", *(str(i) for i in range(2, self.convs + 1))]

    def spectrum(self, x):
        """Z, the half spectrum that the block stores, of a map."""
        Z = ops.rfft2(x, choose_grid(x.shape[:2], self.kernel_size, self.grid, margin=self.margin), self.norm)
        for suffix in self._suffixes():
            weight, bias = getattr(self, f"weight{suffix}"), getattr(self, f"bias{suffix}")
            Z = ops.spectral_conv_act(Z, weight, bias, beta=self.beta, scale=self.scale)
        return Z

    def forward(self, x):
        return ops.irfft2(self.spectrum(x))
