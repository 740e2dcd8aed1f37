"""Named settings: the paper's, and those that were measured to train well. There is no default learning rate.

    paper   batch 64, SGD with momentum 0.95, lr 0.1 halved every 50 epochs, 300 epochs, plain tanh (section 4.2)
    lenet   one cycle of the learning rate over 5 epochs, momentum 0.9, weight decay (measured: docs/lenet.md)
    deep    the same for VGG16, DenseNet, AlexNet and their spectral twins (measured over 10 epochs: docs/deep.md)

A preset makes the optimiser and the schedule of a run.
"""

from dataclasses import dataclass

from specframe.layers import Module
from specframe.optim import SGD, OneCycleLR, Schedule, StepLR


@dataclass(frozen=True)
class Preset:
    """How to train.

    Attributes
    ----------
    epochs, batch_size : int
    lr, momentum, weight_decay : float; lr is the highest rate of the schedule
    tanh_scale : float, of the spectral activation
    halve_every : int or None, epochs; None is one cycle over all epochs
    """

    epochs: int
    batch_size: int
    lr: float
    momentum: float
    tanh_scale: float
    weight_decay: float = 0.0
    halve_every: int | None = None

    def optimizer(
        self, model: Module, steps_per_epoch: int, *, epochs: int | None = None, lr: float | None = None
    ) -> tuple[SGD, Schedule]:
        """(optimiser, schedule) for a model; `epochs` and `lr` replace the preset's."""
        sgd = SGD(model, self.lr if lr is None else lr, self.momentum, self.weight_decay)
        if self.halve_every is not None:
            return sgd, StepLR(sgd, self.halve_every * steps_per_epoch, 0.5)
        return sgd, OneCycleLR(sgd, (epochs or self.epochs) * steps_per_epoch)


PRESETS = {
    "paper": Preset(epochs=300, batch_size=64, lr=0.1, momentum=0.95, tanh_scale=1.0, halve_every=50),
    "lenet": Preset(epochs=5, batch_size=64, lr=0.1, momentum=0.9, tanh_scale=2.0, weight_decay=5e-4),
    "deep": Preset(epochs=30, batch_size=64, lr=0.1, momentum=0.9, tanh_scale=8.0, weight_decay=5e-4),
}
