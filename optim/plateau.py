"""A rate that falls when the loss does.

    rate = max(base * factor^k, min_lr)

k counts how often the loss has stood still for more than `patience` epochs.
"""

import math
from collections.abc import Mapping
from typing import Any

from specframe.optim.optimizer import Optimizer
from specframe.optim.schedules import Schedule, at_least


class ReduceOnPlateau(Schedule):
    """Multiply the rate by `factor` whenever the loss has not become better for more than `patience` epochs.

    Better is below the best loss so far by more than `threshold`, a share of it. The training loop gives it the test
    loss after each epoch; a loop of one's own calls `measured(loss)` or `step(loss)`. What should rise, such as an
    accuracy, is given as its negative.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float between 0 and 1
    patience : int, epochs
    threshold : float, 0 or more
    min_lr : float, 0 or more; no rate falls below it

    Attributes
    ----------
    best : float, the best loss so far
    waited : int, epochs since then
    reductions : int, how often the rate has fallen
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        min_lr: float = 0.0,
    ):
        if not 0 < factor < 1:
            raise ValueError(f"ReduceOnPlateau: factor must lie between 0 and 1, got {factor}")
        at_least("ReduceOnPlateau: patience", patience, 0)
        at_least("ReduceOnPlateau: threshold", threshold, 0)
        at_least("ReduceOnPlateau: min_lr", min_lr, 0)
        self.factor, self.patience, self.threshold, self.min_lr = factor, patience, threshold, min_lr
        self.best, self.waited, self.reductions = math.inf, 0, 0
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The present rate, whatever t is: it depends on the losses."""
        return max(base * self.factor**self.reductions, min(base, self.min_lr))

    def step(self, loss: float | None = None) -> None:
        """With a loss the same as `measured`; without one, after a batch, it counts the step only."""
        if loss is None:
            super().step()
        else:
            self.measured(loss)

    def measured(self, loss: float) -> None:
        """Take the loss of an epoch into account. One that is not a number is not better."""
        margin = self.threshold * abs(self.best) if math.isfinite(self.best) else 0.0
        if loss < self.best - margin:
            self.best, self.waited = float(loss), 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.reductions, self.waited = self.reductions + 1, 0
        self._apply()

    def state_dict(self) -> dict[str, Any]:
        seen = {"best": self.best, "waited": self.waited, "reductions": self.reductions}
        return super().state_dict() | seen

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As Schedule.load_state_dict."""
        best, waited, reductions = float(state["best"]), int(state["waited"]), int(state["reductions"])
        super().load_state_dict(state)
        self.best, self.waited, self.reductions = best, waited, reductions
        self._apply()
