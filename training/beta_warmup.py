"""Thresholds that grow: while its weights are far from settled, a net keeps more of its spectra.

beta(epoch) = beta * min(1, epoch / epochs)          epoch = 0, 1, ...
"""

from typing import TYPE_CHECKING, Any

from specframe.layers import Module, SpectralBlock, SpectralLayer

if TYPE_CHECKING:
    from specframe.training.training import Training


class BetaWarmup:
    """From 0 in the first epoch to the net's own thresholds after so many, as `before_epoch` of Training.run.

    It looks at the number of the epoch only, so that a resumed training goes on with the threshold of the unbroken one.

    Parameters
    ----------
    model : Module, with its full thresholds
    epochs : int, 1 or more

    Raises
    ------
    ValueError
        The model has no spectral block or layer.
    """

    def __init__(self, model: Module, epochs: int) -> None:
        self.epochs = epochs
        parts = [part for part in model.modules() if isinstance(part, SpectralBlock | SpectralLayer)]
        if not parts:
            raise ValueError(f"BetaWarmup: {type(model).__name__} has no spectral block, whose threshold could grow")
        self.full: list[tuple[Any, Any]] = [(part, part.beta) for part in parts]

    def __call__(self, training: "Training") -> None:
        share = min(1.0, training.epoch / self.epochs)
        for part, beta in self.full:
            part.beta = [share * each for each in beta] if isinstance(beta, list | tuple) else share * beta
