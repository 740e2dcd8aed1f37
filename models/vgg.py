"""VGG16 in space and in the spectrum, for small images.

    stage   convolutions 3 x 3, same       32 x 32 images     VGG16                       SpecVGG16
      1     64, 64                          32 -> 16          conv, (BN), ReLU, ...       one spectral block a stage,
      2     128, 128                        16 ->  8          max-pool 2                  max-pool 2, (BN), ReLU
      3     256, 256, 256                    8 ->  4
      4     512, 512, 512                    4 ->  2
      5     512, 512, 512                    2 ->  1
    flatten, one linear layer (the usual head for CIFAR-10, in place of ImageNet's three)

A stage's convolutions share one grid, as in Algorithm 1. Late stages have maps so small that a half spectrum costs more
than the map; `spectral_stages` says how many, from the first on, work in the spectrum, the others are the twin's.
"""

import numpy as np

from specframe import ops
from specframe.layers import BatchNorm2d, Flatten, Linear, MaxPool2d, Module, SpectralBlock
from specframe.layers.init import generator
from specframe.models.common import ConvNormAct, check_batch_norm, check_stages, per_stage, scaled, settled

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # (channels, convolutions)
BEST = {"scale": 8.0, "grid": "circular", "gain": 2.0, "batch_norm": "spectral", "spectral_stages": 2,
        "rectify": True}  # fmt: skip
PAPER = {"scale": 1.0, "grid": "paper", "gain": 1.0, "batch_norm": "none", "spectral_stages": 5, "rectify": False}


class SpatialStage(Module):
    """As many layers as asked, one after another."""

    def __init__(self, c_in, c_out, convs, activation, batch_norm, rng, dtype):
        self.layers = [
            ConvNormAct(c_in if i == 0 else c_out, c_out, 3, 1, activation, batch_norm, rng, dtype)
            for i in range(convs)
        ]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class _VGG16(Module):
    """What the twins share: the order of stages and poolings, and the classifier."""

    rectified = 0  # so many stages, from the first on, have a ReLU after their pooling

    def _head(self, width, image_size, num_classes, rng, dtype):
        self.pool, self.flatten = MaxPool2d(2), Flatten()
        last = scaled(STAGES[-1][0], width) * (image_size // 2 ** len(STAGES)) ** 2
        self.fc = Linear(last, num_classes, rng=rng, dtype=dtype)

    def forward(self, x):
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        for number in range(len(self.stages)):
            x = self.stage(number, x)
        return self.fc(self.flatten(x))

    def stage(self, number, x):
        """A stage with its pooling and what follows that: the part to put under a checkpoint."""
        x, norm = self.pool(self.stages[number](x)), self.norms[number]
        x = norm(x) if norm is not None else x
        return ops.relu(x) if number < self.rectified else x


class VGG16(_VGG16):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    image_size : int, rows and columns of the images, a multiple of 32
    width : float, scales all channels
    activation : "relu", "leaky_relu" or "tanh"
    batch_norm : bool, after each convolution
    seed : int, of the initial weights
    dtype : float32 or float64
    """

    def __init__(
        self, in_channels=3, num_classes=10, image_size=32, width=1.0, activation="relu", batch_norm=True, seed=0,
        dtype=np.float32,
    ):  # fmt: skip
        rng, c_in = generator(seed), in_channels
        self.stages, self.norms = [], [None] * len(STAGES)
        for channels, convs in STAGES:
            c_out = scaled(channels, width)
            self.stages.append(SpatialStage(c_in, c_out, convs, activation, batch_norm, rng, dtype))
            c_in = c_out
        self._head(width, image_size, num_classes, rng, dtype)


class SpecVGG16(_VGG16):
    """The spectral net.

    Settings that are None take the value of BEST, measured in docs/deep.md, or that of PAPER with `paper_strict`.

    Parameters
    ----------
    beta : float, or one a stage; a stage's may be a list, one a convolution
    scale : float, or one a stage
    grid, norm, activation, gain : as in SpectralBlock
    batch_norm : "pool" (in space, after each pooling), "spectral" (inside the blocks) or "none"
    spectral_stages : int, 0 to 5
        Stages that work in the spectrum; the others are those of VGG16 with batch normalisation.
    rectify : bool
        ReLU after the pooling of each spectral stage: inside a block, frequencies never meet (docs/deep.md).
    paper_strict : bool
    others : as in VGG16
    """

    def __init__(
        self, in_channels=3, num_classes=10, image_size=32, width=1.0, beta=0.5, scale=None, grid=None, norm="ortho",
        activation="tanh", gain=None, batch_norm=None, spectral_stages=None, rectify=None, paper_strict=False, seed=0,
        dtype=np.float32,
    ):  # fmt: skip
        scale, grid, gain, batch_norm, spectral_stages, rectify = settled(
            (scale, grid, gain, batch_norm, spectral_stages, rectify), PAPER if paper_strict else BEST
        )
        inside = check_batch_norm(batch_norm, "SpecVGG16")
        check_stages(spectral_stages, len(STAGES), "SpecVGG16")
        rng, c_in = generator(seed), in_channels
        self.rectified = spectral_stages if rectify else 0
        betas, scales = per_stage("beta", beta, spectral_stages), per_stage("scale", scale, spectral_stages)
        self.stages, self.norms = [], []
        for stage, (channels, convs) in enumerate(STAGES):
            c_out = scaled(channels, width)
            if stage < spectral_stages:
                block = SpectralBlock(
                    c_in, c_out, 3, beta=betas[stage], convs=convs, grid=grid, norm=norm, activation=activation,
                    scale=scales[stage], gain=gain, batch_norm=inside, rng=rng, dtype=dtype,
                )  # fmt: skip
                self.stages.append(block)
                self.norms.append(BatchNorm2d(c_out, dtype=dtype) if batch_norm == "pool" else None)
            else:
                self.stages.append(SpatialStage(c_in, c_out, convs, "relu", True, rng, dtype))
                self.norms.append(None)
            c_in = c_out
        self._head(width, image_size, num_classes, rng, dtype)
