"""LeNet-5 in space and in the spectrum.

    LeNet5        conv 5x5, 1 -> 6, same;  tanh;  max-pool 2        SpecLeNet5   the same net with each
                  conv 5x5, 6 -> 16, same; tanh;  max-pool 2                     conv + tanh replaced by
                  flatten (784 for 28 x 28); linear 120, tanh, 84, tanh, 10      a spectral block

Both draw their initial weights in the same order from the same seed: twins start equal.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import Conv2d, Flatten, Linear, MaxPool2d, SpectralBlock
from specframe.layers.init import Seed, generator
from specframe.models.common import check_images, check_size, settled
from specframe.models.net import Net
from specframe.tensor import Tensor

BEST = {"scale": 2.0, "grid": "circular"}
PAPER = {"scale": 1.0, "grid": "paper"}


class _LeNet(Net):
    """What the twins share: pooling and the classifier. A subclass sets conv1 and conv2 in between."""

    def _begin(self, in_channels: int, image_size: int) -> None:
        check_size(self, image_size, 4)
        self.image_size, self._channels = image_size, in_channels

    def _classifier(self, rng: Seed, num_classes: int, dtype: DTypeLike) -> None:
        self.pool, self.flatten = MaxPool2d(2), Flatten()
        self.fc1 = Linear(16 * self._side(self.image_size) ** 2, 120, rng=rng, dtype=dtype)
        self.fc2 = Linear(120, 84, rng=rng, dtype=dtype)
        self.fc3 = Linear(84, num_classes, rng=rng, dtype=dtype)

    @staticmethod
    def _side(size: int) -> int:
        """Rows of the last maps, of images with `size` rows."""
        return size // 4

    def stage(self, number: int, x: Tensor) -> Tensor:
        """The convolution 0 or 1 with its activation and pooling: the part to put under a checkpoint."""
        raise NotImplementedError

    def features(self, x: Tensor) -> Tensor:
        """The maps that the classifier reads."""
        return self.stage(1, self.stage(0, x))

    def forward(self, x: Tensor) -> Tensor:
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        check_images(self, x, self._channels, self.image_size, self._side)
        x = self.flatten(self.features(x))
        x = ops.tanh(self.fc1(x))
        x = ops.tanh(self.fc2(x))
        return self.fc3(x)


class LeNet5(_LeNet):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    image_size : int, rows and columns of the images, 4 or more
    seed : int, numpy Generator or None, of the initial weights
    dtype : float32 or float64

    Raises
    ------
    ValueError
        A number out of range; in a call, images that are not as announced.
    """

    def __init__(
        self, in_channels: int = 1, num_classes: int = 10, image_size: int = 28, seed: Seed = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self._begin(in_channels, image_size)
        rng = generator(seed)
        self.conv1 = Conv2d(in_channels, 6, 5, padding="same", rng=rng, dtype=dtype)
        self.conv2 = Conv2d(6, 16, 5, padding="same", rng=rng, dtype=dtype)
        self._classifier(rng, num_classes, dtype)

    def stage(self, number: int, x: Tensor) -> Tensor:
        return self.pool(ops.tanh((self.conv1, self.conv2)[number](x)))


class SpecLeNet5(_LeNet):
    """The spectral net.

    Settings that are None take the value of BEST, measured on MNIST (docs/lenet.md), or that of PAPER with
    `paper_strict`.

    Parameters
    ----------
    beta, scale, grid, norm, gain : as in SpectralBlock
    paper_strict : bool
    others, and errors : as in LeNet5
    """

    best, paper = BEST, PAPER

    def __init__(
        self, in_channels: int = 1, num_classes: int = 10, image_size: int = 28, beta: float = 0.5,
        scale: float | None = None, grid: Any = None, norm: str = "ortho", gain: float = 1.0,
        paper_strict: bool = False, seed: Seed = 0, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self._begin(in_channels, image_size)
        scale, grid = settled((scale, grid), self.paper if paper_strict else self.best)
        rng = generator(seed)
        options: dict[str, Any] = {
            "beta": beta, "scale": scale, "grid": grid, "norm": norm, "gain": gain, "rng": rng, "dtype": dtype
        }  # fmt: skip
        self.conv1 = SpectralBlock(in_channels, 6, 5, **options)
        self.conv2 = SpectralBlock(6, 16, 5, **options)
        self._classifier(rng, num_classes, dtype)

    def stage(self, number: int, x: Tensor) -> Tensor:
        return self.pool((self.conv1, self.conv2)[number](x))
