"""Chain: what AlexNet, VGG16 and their twins have in common.

A plan lists stages: a convolution or several, mostly followed by a pooling. A stage works in space or in the spectrum,
and may have a batch normalisation and a ReLU after its pooling. At the end come flatten and one linear layer.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import BatchNorm2d, Flatten, Linear, MaxPool2d, Module, SpectralBlock
from specframe.layers.init import Seed, generator
from specframe.models import common
from specframe.models.common import ConvNormAct, scaled
from specframe.models.net import Net
from specframe.tensor import Tensor


class Stage(NamedTuple):
    """A row of a plan: `convs` "same" convolutions, of which the first takes every `stride`-th row and column."""

    channels: int
    kernel_size: int
    convs: int = 1
    stride: int = 1
    pooled: bool = True


class Convolutions(Module):
    """Several convolutions in space, one after another, each with (batch normalisation and) activation."""

    def __init__(self, layers: list[ConvNormAct]) -> None:
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Chain(Net):
    """The net of a plan.

    Attributes
    ----------
    plan : sequence of Stage
    listed : str, the attribute that lists the stages, and so the first part of their names
    norms : list, for each stage the BatchNorm2d after its pooling, or None
    rectified : int, so many stages, from the first on, have a ReLU after their pooling
    """

    plan: Sequence[Stage]
    listed: str
    rectified: int = 0

    def _build(
        self, make: Callable[[int, Stage, int, int], tuple[Module, Module | None]], in_channels: int, num_classes: int,
        image_size: int, width: float, rng: Seed, dtype: DTypeLike,
    ) -> None:  # fmt: skip
        """Draw the weights, stage by stage; make(number, stage, c_in, c_out) gives a stage's module and norm."""
        common.check_size(self, image_size, next(n for n in itertools.count(1) if self._side(n)))
        c_in, made = in_channels, []
        for number, stage in enumerate(self.plan):
            c_out = scaled(stage.channels, width)
            made.append(make(number, stage, c_in, c_out))
            c_in = c_out
        setattr(self, self.listed, [module for module, _ in made])
        self.norms = [norm for _, norm in made]
        self.pool, self.flatten = MaxPool2d(2), Flatten()
        self.fc = Linear(c_in * self._side(image_size) ** 2, num_classes, rng=rng, dtype=dtype)
        self.image_size, self._channels = image_size, in_channels

    def _side(self, size: int) -> int:
        """Rows of the last maps, of images with `size` rows."""
        for stage in self.plan:
            size = -(-size // stage.stride) // (2 if stage.pooled else 1)
        return size

    @staticmethod
    def _spatial(
        stage: Stage, c_in: int, c_out: int, activation: str, batch_norm: bool, rng: Seed, dtype: DTypeLike
    ) -> Module:
        first = ConvNormAct(c_in, c_out, stage.kernel_size, stage.stride, activation, batch_norm, rng, dtype)
        others = [
            ConvNormAct(c_out, c_out, stage.kernel_size, 1, activation, batch_norm, rng, dtype)
            for _ in range(stage.convs - 1)
        ]
        return Convolutions([first, *others]) if others else first

    def forward(self, x: Tensor) -> Tensor:
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        common.check_images(self, x, self._channels, self.image_size, self._side)
        for number in range(len(self.plan)):
            x = self.stage(number, x)
        return self.fc(self.flatten(x))

    def stage(self, number: int, x: Tensor) -> Tensor:
        """A stage with its pooling and what follows that: the part to put under a checkpoint."""
        x, norm = getattr(self, self.listed)[number](x), self.norms[number]
        x = self.pool(x) if self.plan[number].pooled else x
        x = norm(x) if norm is not None else x
        return ops.relu(x) if number < self.rectified else x


class SpatialChain(Chain):
    """A net whose stages all work in space; the parameters are described in AlexNet."""

    def __init__(
        self, in_channels: int = 3, num_classes: int = 10, image_size: int = 32, width: float = 1.0,
        activation: str = "relu", batch_norm: bool = True, seed: Seed = 0, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        rng = generator(seed)

        def make(number: int, stage: Stage, c_in: int, c_out: int) -> tuple[Module, None]:
            return self._spatial(stage, c_in, c_out, activation, batch_norm, rng, dtype), None

        self._build(make, in_channels, num_classes, image_size, width, rng, dtype)


class SpectralChain(Chain):
    """A net whose first stages work in the spectrum; the parameters are described in SpecAlexNet."""

    def __init__(
        self, in_channels: int = 3, num_classes: int = 10, image_size: int = 32, width: float = 1.0,
        beta: Any = 0.5, scale: Any = None, grid: Any = None, norm: str = "ortho", activation: str = "tanh",
        gain: float | None = None, batch_norm: str | None = None, spectral_stages: int | None = None,
        rectify: bool | None = None, paper_strict: bool = False, seed: Seed = 0, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        name, rng = type(self).__name__, generator(seed)
        scale, grid, gain, batch_norm, spectral_stages, rectify = common.settled(
            (scale, grid, gain, batch_norm, spectral_stages, rectify), self.paper if paper_strict else self.best
        )
        inside = common.check_batch_norm(batch_norm, name)
        common.check_stages(spectral_stages, len(self.plan), name)
        betas = common.per_stage("beta", beta, spectral_stages)
        scales = common.per_stage("scale", scale, spectral_stages)
        self.rectified = spectral_stages if rectify else 0

        def make(number: int, stage: Stage, c_in: int, c_out: int) -> tuple[Module, Module | None]:
            if number >= spectral_stages:
                return self._spatial(stage, c_in, c_out, "relu", True, rng, dtype), None
            block = SpectralBlock(
                c_in, c_out, stage.kernel_size, betas[number], stage.convs, grid, norm, activation, scales[number],
                gain, stride=stage.stride, batch_norm=inside, rng=rng, dtype=dtype,
            )  # fmt: skip
            return block, BatchNorm2d(c_out, dtype=dtype) if batch_norm == "pool" else None

        self._build(make, in_channels, num_classes, image_size, width, rng, dtype)
