"""DenseNet in space and in the spectrum: the paper's Table 1, row by row.

    DenseNet                                        SpecDenseNet (paper_strict=True)
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

As printed, the spectral column hardly sees shapes: inside the spectrum no op mixes frequencies, and the global average
reads bin (0, 0) only, so that the dense block works on the mean of each pooled map (docs/errata.md). Unless asked to
be strict, the net returns to space after every layer of the block, through ReLU.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.grids import choose_grid
from specframe.layers import BatchNorm2d, GlobalAvgPool2d, Linear, MaxPool2d, SpectralBlock, SpectralLayer
from specframe.layers.checks import whole
from specframe.layers.init import Seed, generator
from specframe.models.common import ConvNormAct, check_batch_norm, check_size, per_stage, scaled, settled
from specframe.models.net import Net
from specframe.tensor import Tensor

STEM, GROWTH, LAYERS = 64, 64, 6

BEST = {"scale": 8.0, "grid": "same", "gain": 2.0, "batch_norm": "spectral", "return_every": 1,
        "rectify": True}  # fmt: skip
PAPER = {"scale": 1.0, "grid": "paper", "gain": 1.0, "batch_norm": "none", "return_every": LAYERS,
         "rectify": False}  # fmt: skip


class DenseNet(Net):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    width : float, scales stem and growth
    layers : int, of the dense block
    activation : "relu", "leaky_relu" or "tanh"
    batch_norm : bool, after each convolution
    seed : int, numpy Generator or None, of the initial weights
    dtype : float32 or float64

    Raises
    ------
    ValueError
        A number or name out of range; in a call, images of less than 2 rows or columns.
    """

    def __init__(
        self, in_channels: int = 3, num_classes: int = 10, width: float = 1.0, layers: int = LAYERS,
        activation: str = "relu", batch_norm: bool = True, seed: Seed = 0, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        whole(self, 0, layers=layers)
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

    def forward(self, x: Tensor) -> Tensor:
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        maps = [self.first(x)]
        for number in range(len(self.narrow)):
            maps.append(self.layer(number, ops.concatenate(maps)))
        return self.fc(self.average(ops.concatenate(maps)))

    def first(self, x: Tensor) -> Tensor:
        """What comes before the dense block. Like `layer`, a part to put under a checkpoint."""
        x = self.stem(x)
        check_size(self, min(x.shape[:2]), 2)
        return self.pool(x)

    def layer(self, number: int, x: Tensor) -> Tensor:
        """A layer of the dense block, from the concatenated maps."""
        return self.wide[number](self.narrow[number](x))


class SpecDenseNet(Net):
    """The spectral net.

    Settings that are None take the value of BEST, measured in docs/deep.md, or that of PAPER with `paper_strict`.

    Parameters
    ----------
    beta : float, or one a convolution (1 + 2 layers of them, in the order of the table)
    scale, grid, norm, activation, gain : as in SpectralBlock; grid "paper" has the sizes of Table 1
    batch_norm : "pool" (in space, after the pooling), "spectral" (after each convolution) or "none"
    return_every : int
        Layers of the dense block between two returns to space; with as many as `layers` there is one, at the end.
    rectify : bool, ReLU after the pooling and at each return
    paper_strict : bool
    others, and errors : as in DenseNet
    """

    best, paper = BEST, PAPER

    def __init__(
        self, in_channels: int = 3, num_classes: int = 10, width: float = 1.0, layers: int = LAYERS, beta: Any = 0.5,
        scale: float | None = None, grid: Any = None, norm: str = "ortho", activation: str = "tanh",
        gain: float | None = None, batch_norm: str | None = None, return_every: int | None = None,
        rectify: bool | None = None, paper_strict: bool = False, seed: Seed = 0, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        whole(self, 0, layers=layers)
        scale, grid, gain, batch_norm, self.return_every, self.rectify = settled(
            (scale, grid, gain, batch_norm, return_every, rectify), self.paper if paper_strict else self.best
        )
        inside = check_batch_norm(batch_norm, "SpecDenseNet")
        if self.return_every < 1:
            raise ValueError(f"SpecDenseNet: return_every must be 1 or more, got {self.return_every}")
        betas = per_stage("beta", beta, 1 + 2 * layers)
        rng, growth, c = generator(seed), scaled(GROWTH, width), scaled(STEM, width)
        options: dict[str, Any] = {"activation": activation, "scale": scale, "gain": gain, "batch_norm": inside,
                   "rng": rng, "dtype": dtype}  # fmt: skip
        self.grid, self.spectrum_norm = grid, norm
        self.stem = SpectralBlock(in_channels, c, 3, betas[0], grid=grid, norm=norm, **options)
        self.pool, self.average = MaxPool2d(2), GlobalAvgPool2d()
        self.norm = BatchNorm2d(c, dtype=dtype) if batch_norm == "pool" else None
        self.narrow, self.wide = [], []
        for layer in range(layers):
            self.narrow.append(SpectralLayer(c, growth, 1, betas[1 + 2 * layer], **options))
            self.wide.append(SpectralLayer(growth, growth, 3, betas[2 + 2 * layer], **options))
            c += growth
        self.fc = Linear(c, num_classes, rng=rng, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        maps = [self.first(x)]
        grid = choose_grid(maps[0].shape[:2], 3, self.grid)
        for start in range(0, len(self.narrow), self.return_every):
            here = slice(start, start + self.return_every)
            spectra = [ops.rfft2(ops.concatenate(maps), grid, self.spectrum_norm)]
            for number in range(len(self.narrow))[here]:
                spectra.append(self.layer(number, ops.concatenate(spectra)))
            new = ops.irfft2(ops.concatenate(spectra[1:]))
            maps.append(ops.relu(new) if self.rectify else new)
            del spectra, new  # as large as the maps: not alive into the next layer
        return self.fc(self.average(ops.concatenate(maps)))

    def first(self, x: Tensor) -> Tensor:
        """What comes before the dense block. Like `layer`, a part to put under a checkpoint."""
        x = self.stem(x)
        check_size(self, min(x.shape[:2]), 2)
        x = self.pool(x)
        x = self.norm(x) if self.norm is not None else x
        return ops.relu(x) if self.rectify else x

    def layer(self, number: int, X: Tensor) -> Tensor:
        """A layer of the dense block, from concatenated spectra to a spectrum."""
        return self.wide[number](self.narrow[number](X))
