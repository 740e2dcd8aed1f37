"""AlexNet in space and in the spectrum, for 32 x 32 images.

    conv 11 x 11 stride 4, 64    32 -> 8      AlexNet: conv, ReLU         SpecAlexNet: spectral blocks; the stride of
    max-pool 2                    8 -> 4                                  the first is a decimation in the spectrum
    conv 5 x 5, 192; max-pool 2   4 -> 2
    conv 3 x 3, 384; 256; 256     2
    max-pool 2                    2 -> 1
    flatten, one linear layer

Both take the "same" convolution and keep every fourth of its rows and columns, from the first on.
"""

import numpy as np

from specframe import ops
from specframe.layers import BatchNorm2d, Flatten, Linear, MaxPool2d, Module, SpectralBlock
from specframe.layers.init import generator
from specframe.models.common import ConvNormAct, check_batch_norm, check_stages, per_stage, scaled, settled

CONVS = ((64, 11, 4, True), (192, 5, 1, True), (384, 3, 1, False), (256, 3, 1, False), (256, 3, 1, True))
# (channels, kernel size, stride, whether a pooling follows)

BEST = {"scale": 8.0, "grid": "circular", "gain": 2.0, "batch_norm": "spectral", "spectral_stages": 1,
        "rectify": True}  # fmt: skip
PAPER = {"scale": 1.0, "grid": "paper", "gain": 1.0, "batch_norm": "none", "spectral_stages": 5, "rectify": False}


class _AlexNet(Module):
    """What the twins share: the order of layers and poolings, and the classifier. A layer includes its activation."""

    rectified = 0  # so many layers, from the first on, have a ReLU after their pooling

    def _head(self, width, image_size, num_classes, rng, dtype):
        self.pool, self.flatten = MaxPool2d(2), Flatten()
        side = -(-image_size // 4) // 8
        if side < 1:
            raise ValueError(f"AlexNet: images must have at least 29 rows and columns, got {image_size}")
        self.fc = Linear(scaled(CONVS[-1][0], width) * side**2, num_classes, rng=rng, dtype=dtype)

    def forward(self, x):
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        for number in range(len(self.layers)):
            x = self.stage(number, x)
        return self.fc(self.flatten(x))

    def stage(self, number, x):
        """A layer with its pooling and what follows that: the part to put under a checkpoint."""
        x, norm, pooled = self.layers[number](x), self.norms[number], CONVS[number][-1]
        x = self.pool(x) if pooled else x
        x = norm(x) if norm is not None else x
        return ops.relu(x) if number < self.rectified else x


class AlexNet(_AlexNet):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    image_size : int, rows and columns of the images, 29 or more
    width : float, scales all channels
    activation : "relu", "leaky_relu" or "tanh"
    batch_norm : bool, after each convolution
    seed : int, of the initial weights
    dtype : float32 or float64
    """

    def __init__(
        self, in_channels=3, num_classes=10, image_size=32, width=1.0, activation="relu", batch_norm=False, seed=0,
        dtype=np.float32,
    ):  # fmt: skip
        rng, c_in = generator(seed), in_channels
        self.layers, self.norms = [], [None] * len(CONVS)
        for channels, kernel_size, stride, _ in CONVS:
            c_out = scaled(channels, width)
            self.layers.append(ConvNormAct(c_in, c_out, kernel_size, stride, activation, batch_norm, rng, dtype))
            c_in = c_out
        self._head(width, image_size, num_classes, rng, dtype)


class SpecAlexNet(_AlexNet):
    """The spectral net.

    Settings that are None take the value of BEST, or that of PAPER with `paper_strict`.

    Parameters
    ----------
    beta, scale : float, or one a layer
    grid, norm, activation, gain : as in SpectralBlock
    batch_norm : "pool" (in space, after each layer and its pooling), "spectral" (inside the blocks) or "none"
    spectral_stages : int, 0 to 5
        Layers that work in the spectrum; the others are those of AlexNet with batch normalisation.
    rectify : bool, ReLU after each spectral layer and its pooling
    paper_strict : bool
    others : as in AlexNet
    """

    def __init__(
        self, in_channels=3, num_classes=10, image_size=32, width=1.0, beta=0.5, scale=None, grid=None, norm="ortho",
        activation="tanh", gain=None, batch_norm=None, spectral_stages=None, rectify=None, paper_strict=False, seed=0,
        dtype=np.float32,
    ):  # fmt: skip
        scale, grid, gain, batch_norm, spectral_stages, rectify = settled(
            (scale, grid, gain, batch_norm, spectral_stages, rectify), PAPER if paper_strict else BEST
        )
        inside = check_batch_norm(batch_norm, "SpecAlexNet")
        check_stages(spectral_stages, len(CONVS), "SpecAlexNet")
        rng, c_in = generator(seed), in_channels
        self.rectified = spectral_stages if rectify else 0
        betas, scales = per_stage("beta", beta, spectral_stages), per_stage("scale", scale, spectral_stages)
        self.layers, self.norms = [], []
        for i, (channels, kernel_size, stride, _) in enumerate(CONVS):
            c_out = scaled(channels, width)
            if i < spectral_stages:
                block = SpectralBlock(
                    c_in, c_out, kernel_size, beta=betas[i], grid=grid, norm=norm, activation=activation,
                    scale=scales[i], gain=gain, stride=stride, batch_norm=inside, rng=rng, dtype=dtype,
                )  # fmt: skip
                self.layers.append(block)
                self.norms.append(BatchNorm2d(c_out, dtype=dtype) if batch_norm == "pool" else None)
            else:
                self.layers.append(ConvNormAct(c_in, c_out, kernel_size, stride, "relu", True, rng, dtype))
                self.norms.append(None)
            c_in = c_out
        self._head(width, image_size, num_classes, rng, dtype)
