"""ResNet-20 of CIFAR (He et al. 2016) in space and in the spectrum; the paper has no ResNet.

    stem    conv 3 x 3, 16                    32 x 32     ResNet: conv, BN, ReLU     SpecResNet: a spectral block, (BN),
    stage 1   3 residual blocks, 16           32 x 32                                ReLU
    stage 2   3 residual blocks, 32           16 x 16
    stage 3   3 residual blocks, 64            8 x 8
    global average pool, linear                1 x 1

    residual block    y = ReLU(F(x) + x)      F: conv, BN, ReLU, conv, BN            F: a spectral block of two
                                                                                     convolutions, (BN)

The first convolution of stages 2 and 3 has stride 2. There the shortcut takes every second row and column of x and adds
channels of zeros behind its own: it has no parameters.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, Module, Sequential, SpectralBlock
from specframe.layers.checks import whole
from specframe.layers.init import Seed, generator
from specframe.models.common import ConvNormAct, check_batch_norm, check_stages, per_stage, scaled, settled
from specframe.models.net import Net
from specframe.tensor import Tensor

CHANNELS, BLOCKS = (16, 32, 64), 3

BEST = {"scale": 8.0, "grid": "circular", "gain": 2.0, "batch_norm": "spectral", "spectral_stages": 2,
        "rectify": True}  # fmt: skip
PAPER = {"scale": 1.0, "grid": "paper", "gain": 1.0, "batch_norm": "none", "spectral_stages": 3, "rectify": False}


def shortcut(x: Tensor, channels: int, stride: int) -> Tensor:
    """x on the rows and columns that a stride keeps, with zeros behind its channels up to `channels`."""
    x = x[::stride, ::stride] if stride > 1 else x
    more = channels - x.shape[3]
    return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, more))) if more else x


class Residual(Module):
    """A residual block in space: two convolutions 3 x 3, the shortcut, and the activation after their sum."""

    def __init__(
        self, c_in: int, c_out: int, stride: int, activation: str, batch_norm: bool, rng: Seed, dtype: DTypeLike
    ) -> None:  # fmt: skip
        self.c_out, self.stride = c_out, stride
        self.first = ConvNormAct(c_in, c_out, 3, stride, activation, batch_norm, rng, dtype)
        self.second = Conv2d(c_out, c_out, 3, 1, "same", not batch_norm, rng=rng, dtype=dtype)
        self.norm = BatchNorm2d(c_out, dtype=dtype) if batch_norm else None
        self.activation = self.first.activation

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.first(x))
        y = self.norm(y) if self.norm is not None else y
        return self.activation(y + shortcut(x, self.c_out, self.stride))


class SpectralPart(Module):
    """A spectral block, (normalisation in space), (ReLU): the stem, or with the shortcut a residual block."""

    def __init__(self, block: SpectralBlock, norm: BatchNorm2d | None, rectify: bool, residual: bool) -> None:
        self.block, self.norm, self.rectify, self.residual = block, norm, rectify, residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        y = self.norm(y) if self.norm is not None else y
        y = y + shortcut(x, self.block.c_out, self.block.stride) if self.residual else y
        return ops.relu(y) if self.rectify else y


class _ResNet(Net):
    """What the twins share. A subclass makes the stem and the residual blocks, the classifier comes last."""

    stem: Module
    stages: list[Sequential]

    def _build(
        self, make: Callable[[int, int, int, int], Module], width: float, blocks: int, num_classes: int, rng: Seed,
        dtype: DTypeLike,
    ) -> None:  # fmt: skip
        """Draw the weights after the stem's; make(stage, c_in, c_out, stride) gives a residual block."""
        self.stages, c_in = [], scaled(CHANNELS[0], width)
        for number, channels in enumerate(CHANNELS):
            c_out = scaled(channels, width)
            first = make(number, c_in, c_out, 2 if number else 1)
            self.stages.append(Sequential(first, *(make(number, c_out, c_out, 1) for _ in range(blocks - 1))))
            c_in = c_out
        self.average, self.fc = GlobalAvgPool2d(), Linear(c_in, num_classes, rng=rng, dtype=dtype)

    def first(self, x: Tensor) -> Tensor:
        """The stem. Like `stage`, a part to put under a checkpoint."""
        return self.stem(x)

    def stage(self, number: int, x: Tensor) -> Tensor:
        """The residual blocks of stage 0, 1 or 2."""
        return self.stages[number](x)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        x = self.first(x)
        for number in range(len(self.stages)):
            x = self.stage(number, x)
        return self.fc(self.average(x))


class ResNet(_ResNet):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    width : float, scales all channels
    blocks : int, residual blocks a stage, 1 or more; the net has 6 blocks + 2 layers
    activation : "relu", "leaky_relu" or "tanh"
    batch_norm : bool, after each convolution
    seed : int, numpy Generator or None, of the initial weights
    dtype : float32 or float64

    Raises
    ------
    ValueError
        A number or name out of range.
    """

    def __init__(
        self, in_channels: int = 3, num_classes: int = 10, width: float = 1.0, blocks: int = BLOCKS,
        activation: str = "relu", batch_norm: bool = True, seed: Seed = 0, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        whole(self, 1, blocks=blocks)
        rng = generator(seed)
        self.stem = ConvNormAct(in_channels, scaled(CHANNELS[0], width), 3, 1, activation, batch_norm, rng, dtype)

        def make(stage: int, c_in: int, c_out: int, stride: int) -> Module:
            return Residual(c_in, c_out, stride, activation, batch_norm, rng, dtype)

        self._build(make, width, blocks, num_classes, rng, dtype)


class SpecResNet(_ResNet):
    """The spectral net.

    Settings that are None take the value of BEST, which is SpecVGG16's, or that of PAPER with `paper_strict`.

    Parameters
    ----------
    beta, scale : float, or one a spectral stage; the stem has the first stage's
    grid, norm, activation, gain : as in SpectralBlock
    batch_norm : "pool" (in space, before each sum), "spectral" (after each convolution) or "none"
    spectral_stages : int, 0 to 3
        Stages that work in the spectrum, the stem with the first; the others are those of ResNet.
    rectify : bool, ReLU after the stem and after each sum of a spectral stage
    paper_strict : bool
    others, and errors : as in ResNet
    """

    best, paper = BEST, PAPER

    def __init__(
        self, in_channels: int = 3, num_classes: int = 10, width: float = 1.0, blocks: int = BLOCKS, beta: Any = 0.5,
        scale: Any = None, grid: Any = None, norm: str = "ortho", activation: str = "tanh", gain: float | None = None,
        batch_norm: str | None = None, spectral_stages: int | None = None, rectify: bool | None = None,
        paper_strict: bool = False, seed: Seed = 0, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        whole(self, 1, blocks=blocks)
        scale, grid, gain, batch_norm, spectral_stages, rectify = settled(
            (scale, grid, gain, batch_norm, spectral_stages, rectify), self.paper if paper_strict else self.best
        )
        inside = check_batch_norm(batch_norm, "SpecResNet")
        check_stages(spectral_stages, len(CHANNELS), "SpecResNet")
        betas, scales = per_stage("beta", beta, spectral_stages), per_stage("scale", scale, spectral_stages)
        rng = generator(seed)

        def part(stage: int, c_in: int, c_out: int, convs: int, stride: int = 1) -> SpectralPart:
            block = SpectralBlock(
                c_in, c_out, 3, betas[stage], convs, grid, norm, activation, scales[stage], gain, stride=stride,
                batch_norm=inside, rng=rng, dtype=dtype,
            )  # fmt: skip
            after = BatchNorm2d(c_out, dtype=dtype) if batch_norm == "pool" else None
            return SpectralPart(block, after, rectify, residual=convs > 1)

        def make(stage: int, c_in: int, c_out: int, stride: int) -> Module:
            if stage < spectral_stages:
                return part(stage, c_in, c_out, 2, stride)
            return Residual(c_in, c_out, stride, "relu", True, rng, dtype)

        c = scaled(CHANNELS[0], width)
        self.stem = part(0, in_channels, c, 1) if spectral_stages else ConvNormAct(
            in_channels, c, 3, 1, "relu", True, rng, dtype)  # fmt: skip
        self._build(make, width, blocks, num_classes, rng, dtype)
