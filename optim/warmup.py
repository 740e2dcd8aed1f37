"""Linear warm-up.

    rate(t) = base * ((t + 1) / steps)        for t < steps
              then.rate(t - steps)            afterwards; base where there is no `then`

The rates are small while the weights and the optimiser's averages are far from settled.
"""

from collections.abc import Mapping
from typing import Any

from specframe.optim.optimizer import Optimizer
from specframe.optim.schedules import Schedule, at_least


class LinearWarmup(Schedule):
    """Up to the base rate over the first `steps` steps, then another schedule.

    Parameters
    ----------
    optimizer : Optimizer
    steps : int, 1 or more; the rate of the last of them is the base rate
    then : Schedule or None
        Made for the same optimiser; its own steps begin after the warm-up. None keeps the base rate.

    >>> from specframe.layers import Linear
    >>> from specframe.optim import SGD, CosineLR
    >>> optimizer = SGD(Linear(2, 1), lr=1.0)
    >>> schedule = LinearWarmup(optimizer, 4, then=CosineLR(optimizer, 2))
    >>> [schedule.lr_at(t) for t in range(7)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.0]
    """

    def __init__(self, optimizer: Optimizer, steps: int, then: Schedule | None = None):
        at_least("LinearWarmup: steps", steps, 1)
        if then is not None and then.optimizer is not optimizer:
            raise ValueError("LinearWarmup: `then` was made for another optimiser")
        self.steps, self.then = steps, then
        if then is not None:
            self.total = None if then.total is None else steps + then.total
            for group, base in zip(optimizer.param_groups, then.base_lrs, strict=True):
                group["lr"] = base  # `then` has set its own first rate
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        if t < self.steps:
            return base * ((t + 1) / self.steps)
        return base if self.then is None else self.then.rate(base, t - self.steps)

    def measured(self, loss: float) -> None:
        if self.then is not None and self.t >= self.steps:
            self.then.measured(loss)
            self._apply()

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"then": self.then and self.then.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As Schedule.load_state_dict."""
        if (state["then"] is None) != (self.then is None):
            raise ValueError("LinearWarmup: the state is one with another schedule behind the warm-up")
        if self.then is not None:
            self.then.load_state_dict(state["then"])
        super().load_state_dict(state)
