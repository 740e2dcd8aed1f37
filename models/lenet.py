"""LeNet-5 in space and in the spectrum.

    LeNet5        conv 5x5, 1 -> 6, same;  tanh;  max-pool 2        SpecLeNet5   the same net with each
                  conv 5x5, 6 -> 16, same; tanh;  max-pool 2                     conv + tanh replaced by
                  flatten (784 for 28 x 28); linear 120, tanh, 84, tanh, 10      a spectral block

Both draw their initial weights in the same order from the same seed: twins start equal.
"""

import numpy as np

from specframe import ops
from specframe.layers import Conv2d, Flatten, Linear, MaxPool2d, Module, SpectralBlock
from specframe.layers.init import generator
from specframe.models.common import settled

BEST = {"scale": 2.0, "grid": "circular"}
PAPER = {"scale": 1.0, "grid": "paper"}


class _LeNet(Module):
    """What the twins share: pooling and the classifier. A subclass sets conv1 and conv2, activation included."""

    def _classifier(self, rng, image_size, num_classes, dtype):
        self.pool, self.flatten = MaxPool2d(2), Flatten()
        self.fc1 = Linear(16 * (image_size // 4) ** 2, 120, rng=rng, dtype=dtype)
        self.fc2 = Linear(120, 84, rng=rng, dtype=dtype)
        self.fc3 = Linear(84, num_classes, rng=rng, dtype=dtype)

    def stage(self, number, x):
        """The convolution 0 or 1 with its activation and pooling: the part to put under a checkpoint."""
        raise NotImplementedError

    def features(self, x):
        """The maps that the classifier reads."""
        return self.stage(1, self.stage(0, x))

    def forward(self, x):
        """(rows, cols, batch, in_channels) -> logits (batch, num_classes)."""
        x = self.flatten(self.features(x))
        x = ops.tanh(self.fc1(x))
        x = ops.tanh(self.fc2(x))
        return self.fc3(x)


class LeNet5(_LeNet):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    image_size : int, rows and columns of the images, a multiple of 4
    seed : int, of the initial weights
    dtype : float32 or float64
    """

    def __init__(self, in_channels=1, num_classes=10, image_size=28, seed=0, dtype=np.float32):
        rng = generator(seed)
        self.conv1 = Conv2d(in_channels, 6, 5, padding="same", rng=rng, dtype=dtype)
        self.conv2 = Conv2d(6, 16, 5, padding="same", rng=rng, dtype=dtype)
        self._classifier(rng, image_size, num_classes, dtype)

    def stage(self, number, x):
        return self.pool(ops.tanh((self.conv1, self.conv2)[number](x)))


class SpecLeNet5(_LeNet):
    """The spectral net.

    Settings that are None take the value of BEST, measured on MNIST (docs/lenet.md), or that of PAPER with
    `paper_strict`.

    Parameters
    ----------
    beta, scale, grid, norm, gain : as in SpectralBlock
    paper_strict : bool
    others : as in LeNet5
    """

    def __init__(
        self, in_channels=1, num_classes=10, image_size=28, beta=0.5, scale=None, grid=None, norm="ortho", gain=1.0,
        paper_strict=False, seed=0, dtype=np.float32,
    ):  # fmt: skip
        scale, grid = settled((scale, grid), PAPER if paper_strict else BEST)
        rng = generator(seed)
        options = {"beta": beta, "scale": scale, "grid": grid, "norm": norm, "gain": gain, "rng": rng, "dtype": dtype}
        self.conv1 = SpectralBlock(in_channels, 6, 5, **options)
        self.conv2 = SpectralBlock(6, 16, 5, **options)
        self._classifier(rng, image_size, num_classes, dtype)

    def stage(self, number, x):
        return self.pool((self.conv1, self.conv2)[number](x))
