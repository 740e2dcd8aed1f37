"""Learning-rate schedules: the rate of step t (counted in batches) is a formula of t and the group's own rate.

A schedule sets the rate of each group of the optimiser when it is made and after each `step()`. `base` is the rate that
the group had before.
"""

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from specframe.optim.optimizer import Optimizer


class Schedule:
    """Base: subclasses define `rate(base, t)`.

    Attributes
    ----------
    t : int, steps taken
    total : int or None
        How many steps the formula is made for; None where it has no end, so that training may go on for ever.
    base_lrs : list of float, each group's own rate
    """

    total: int | None = None

    def __init__(self, optimizer: Optimizer):
        self.optimizer, self.t = optimizer, 0
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self._apply()

    def rate(self, base: float, t: int) -> float:
        """The learning rate of step t for a group whose own rate is `base`."""
        raise NotImplementedError(f"{type(self).__name__} does not define rate")

    def lr_at(self, t: int) -> float:
        """The learning rate of step t in the first group."""
        return self.rate(self.base_lrs[0], t)

    def step(self) -> None:
        """To be called once after each optimizer.step()."""
        self.t += 1
        self._apply()

    def measured(self, loss: float) -> None:
        """To be called after each epoch with the loss on images not trained on; most schedules do not look at it."""

    def state_dict(self) -> dict[str, Any]:
        return {"t": self.t, "total": self.total, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what `state_dict` gave.

        Raises
        ------
        ValueError
            It is of another number of groups, or of another total: then the curve would be another one.
        """
        name = type(self).__name__
        t, total, base_lrs = state["t"], state["total"], [float(base) for base in state["base_lrs"]]
        if total != self.total:
            raise ValueError(
                f"{name}: the state is that of {_steps(total)}, this schedule was made for {_steps(self.total)};"
                " only a schedule without a fixed total (ConstantLR, StepLR, ...) can go on for longer"
            )
        if len(base_lrs) != len(self.base_lrs) or not isinstance(t, int) or t < 0:
            raise ValueError(f"{name}: expected t and the rates of {len(self.base_lrs)} groups, got {t} and {base_lrs}")
        self.t, self.base_lrs = t, base_lrs
        self._apply()

    def _apply(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self.rate(base, self.t)


def _steps(total: int | None) -> str:
    return "any number of steps" if total is None else f"{total} steps"


def at_least(name: str, value: float, low: float) -> None:
    """Refuse a setting below `low` with a ValueError that names it."""
    if not value >= low:
        raise ValueError(f"{name} must be {low} or more, got {value}")


class ConstantLR(Schedule):
    """The optimiser's own rate throughout."""

    def rate(self, base: float, t: int) -> float:
        return base


class StepLR(Schedule):
    """base * gamma^(t // step_size): the paper halves every 50 epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.5):
        at_least("StepLR: step_size", step_size, 1)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    """base * gamma^(how many of the milestones, in steps, are not after t)."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1):
        self.milestones, self.gamma = sorted(milestones), gamma
        for milestone in self.milestones:
            at_least("MultiStepLR: each milestone", milestone, 1)
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** bisect.bisect_right(self.milestones, t)


class CosineLR(Schedule):
    """Linear warm-up to the base rate over `warmup` steps, then half a cosine down to `final` at `total` steps."""

    total: int

    def __init__(self, optimizer: Optimizer, total: int, warmup: int = 0, final: float = 0.0):
        at_least("CosineLR: total", total, 1)
        at_least("CosineLR: warmup", warmup, 0)
        if warmup >= total:
            raise ValueError(f"CosineLR: warmup ({warmup}) must be shorter than total ({total})")
        self.total, self.warmup, self.final = total, warmup, final
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        if t < self.warmup:
            return base * (t + 1) / self.warmup
        done = min(1.0, (t - self.warmup) / (self.total - self.warmup))
        return self.final + (base - self.final) * (1 + math.cos(math.pi * done)) / 2


class OneCycleLR(Schedule):
    """Up from base / `start` to base over the first `rise` of `total` steps, then down to base / `end` in the last one.

    Both ways follow half a cosine. The first step is t = 0, the peak t = rise * total - 1, the last step t = total - 1.
    """

    total: int

    def __init__(self, optimizer: Optimizer, total: int, rise: float = 0.3, start: float = 25.0, end: float = 1e4):
        at_least("OneCycleLR: total", total, 1)
        if not 0 < rise < 1:
            raise ValueError(f"OneCycleLR: rise must lie between 0 and 1, got {rise}")
        self.total, self.rise, self.start, self.end = total, rise, start, end
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        peak, last = self.rise * self.total - 1, self.total - 1
        if t < peak:
            low, done = base / self.start, t / peak
        else:
            low, done = base / self.end, 1 - min(1.0, (t - peak) / (last - peak))
        return low + (base - low) * (1 - math.cos(math.pi * done)) / 2
