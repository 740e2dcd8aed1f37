"""DenseNet in space and in the spectrum: the paper's Table 1, row by row.

    DenseNet                                        SpecDenseNet (grid="paper")
    input                              32 x 32      input                                    32 x 32
    conv 3 x 3, BN, ReLU               32 x 32      rfft2                                    35 x 35
                                                    conv 3 x 3, threshold, activation        35 x 35
                                                    irfft2                                   32 x 32
    max-pool 2                         16 x 16      max-pool 2                               16 x 16
                                                    rfft2                                    19 x 19
    6 x [conv 1 x 1, BN, ReLU;         16 x 16      6 x [conv 1 x 1, threshold, activation;  19 x 19
         conv 3 x 3, BN, ReLU]                           conv 3 x 3, threshold, activation]
                                                    irfft2                                   16 x 16
    global average pool, linear         1 x 1       global average pool, linear               1 x 1

Every layer of the dense block reads all that came before it, concatenated over the channels; in the spectrum, the
concatenation keeps its parts and never a copy (specframe/ops/shape.py). The table leaves the stem's channels open and
the growth of the spatial net: 64 and 64, as its spectral column has, are ours.
"""

import numpy as np

from specframe import ops
from specframe.layers import (
    BatchNorm2d,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    Module,
    SpectralBlock,
    SpectralLayer,
)  # fmt: skip
from specframe.layers.init import generator
from specframe.models.common import ConvNormAct, check_batch_norm, scaled
from specframe.spectrum import choose_grid

STEM, GROWTH, LAYERS = 64, 64, 6


class DenseNet(Module):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    width : float, scales stem and growth
    layers : int, of the dense block
    activation : "relu" or "tanh"
    batch_norm : bool, after each convolution
    seed : int, of the initial weights
    dtype : float32 or float64
    """

    def __init__(
        self, in_channels=3, num_classes=10, width=1.0, layers=LAYERS, activation="relu", batch_norm=True, seed=0,
        dtype=np.float32,
    ):  # fmt: skip
        rng, growth = generator(seed), scaled(GROWTH, width)
        c = scaled(STEM, width)
        self.stem = ConvNormAct(in_channels, c, 3, 1, activation, batch_norm, rng, dtype)
        self.pool, self.average = MaxPool2d(2), GlobalAvgPool2d()
        self.narrow, self.wide = [], []  # the 1 x 1 and the 3 x 3 convolutions
        for _ in range(layers):
            self.narrow.append(ConvNormAct(c, growth, 1, 1, activation, batch_norm, rng, dtype))
            self.wide.append(ConvNormAct(growth, growth, 3, 1, activation, batch_norm, rng, dtype))
            c += growth
        self.fc = Linear(c, num_classes, rng=rng, dtype=dtype)

    def forward(self, x):
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        maps = [self.pool(self.stem(x))]
        for narrow, wide in zip(self.narrow, self.wide, strict=True):
            maps.append(wide(narrow(ops.concatenate(maps))))
        return self.fc(self.average(ops.concatenate(maps)))


class SpecDenseNet(Module):
    """The spectral net.

    Parameters
    ----------
    beta, scale : float
    grid, norm, activation, gain : as in SpectralBlock; grid "paper" has the sizes of Table 1
    batch_norm : "pool" (in space, after the pooling), "spectral" (after each convolution) or None
    others : as in DenseNet
    """

    def __init__(
        self, in_channels=3, num_classes=10, width=1.0, layers=LAYERS, beta=0.5, scale=8.0, grid="circular",
        norm="ortho", activation="tanh", gain=2.0, batch_norm="spectral", seed=0, dtype=np.float32,
    ):  # fmt: skip
        inside = check_batch_norm(batch_norm, "SpecDenseNet")
        rng, growth, c = generator(seed), scaled(GROWTH, width), scaled(STEM, width)
        options = {"beta": beta, "activation": activation, "scale": scale, "gain": gain, "batch_norm": inside,
                   "rng": rng, "dtype": dtype}  # fmt: skip
        self.grid, self.spectrum_norm = grid, norm
        self.stem = SpectralBlock(in_channels, c, 3, grid=grid, norm=norm, **options)
        self.pool, self.average = MaxPool2d(2), GlobalAvgPool2d()
        self.norm = BatchNorm2d(c, dtype=dtype) if batch_norm == "pool" else None
        self.narrow, self.wide = [], []
        for _ in range(layers):
            self.narrow.append(SpectralLayer(c, growth, 1, **options))
            self.wide.append(SpectralLayer(growth, growth, 3, **options))
            c += growth
        self.fc = Linear(c, num_classes, rng=rng, dtype=dtype)

    def forward(self, x):
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        x = self.pool(self.stem(x))
        x = self.norm(x) if self.norm is not None else x
        spectra = [ops.rfft2(x, choose_grid(x.shape[:2], 3, self.grid), self.spectrum_norm)]
        for narrow, wide in zip(self.narrow, self.wide, strict=True):
            spectra.append(wide(narrow(ops.concatenate(spectra))))
        return self.fc(self.average(ops.irfft2(ops.concatenate(spectra))))
