"""Learning-rate schedules: the rate of step t (counted in batches) is a formula of t alone.

A schedule sets the optimiser's rate when it is made and after each `step()`. Its whole state is t.
"""

import math


class Schedule:
    """Base: subclasses define `lr_at(t)`.

    Attributes
    ----------
    t : int, steps taken
    """

    def __init__(self, optimizer):
        self.optimizer, self.base_lr, self.t = optimizer, optimizer.lr, 0
        optimizer.lr = self.lr_at(0)

    def lr_at(self, t):
        """The learning rate of step t."""
        raise NotImplementedError

    def step(self):
        """To be called once after each optimizer.step()."""
        self.t += 1
        self.optimizer.lr = self.lr_at(self.t)

    def state_dict(self):
        return {"t": self.t}

    def load_state_dict(self, state):
        self.t = int(state["t"])
        self.optimizer.lr = self.lr_at(self.t)


def _at_least(name, value, low):
    if value < low:
        raise ValueError(f"{name} must be {low} or more, got {value}")


class ConstantLR(Schedule):
    """The optimiser's own rate throughout."""

    def lr_at(self, t):
        return self.base_lr


class StepLR(Schedule):
    """base * gamma^(t // step_size): the paper halves every 50 epochs."""

    def __init__(self, optimizer, step_size, gamma=0.5):
        _at_least("StepLR: step_size", step_size, 1)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def lr_at(self, t):
        return self.base_lr * self.gamma ** (t // self.step_size)


class CosineLR(Schedule):
    """Linear warm-up to the base rate over `warmup` steps, then half a cosine down to `final` at `total` steps."""

    def __init__(self, optimizer, total, warmup=0, final=0.0):
        _at_least("CosineLR: total", total, 1)
        _at_least("CosineLR: warmup", warmup, 0)
        if warmup >= total:
            raise ValueError(f"CosineLR: warmup ({warmup}) must be shorter than total ({total})")
        self.total, self.warmup, self.final = total, warmup, final
        super().__init__(optimizer)

    def lr_at(self, t):
        if t < self.warmup:
            return self.base_lr * (t + 1) / self.warmup
        done = min(1.0, (t - self.warmup) / (self.total - self.warmup))
        return self.final + (self.base_lr - self.final) * (1 + math.cos(math.pi * done)) / 2


class OneCycleLR(Schedule):
    """Up from base / `start` to base over the first `rise` of `total` steps, then down to base / `end`.

    Both ways follow half a cosine.
    """

    def __init__(self, optimizer, total, rise=0.3, start=25.0, end=1e4):
        _at_least("OneCycleLR: total", total, 1)
        if not 0 < rise < 1:
            raise ValueError(f"OneCycleLR: rise must lie between 0 and 1, got {rise}")
        self.total, self.rise, self.start, self.end = total, rise, start, end
        super().__init__(optimizer)

    def lr_at(self, t):
        top, peak = self.base_lr, self.rise * self.total
        if t < peak:
            low, done = top / self.start, t / peak
        else:
            low, done = top / self.end, 1 - min(1.0, (t - peak) / (self.total - peak))
        return low + (top - low) * (1 - math.cos(math.pi * done)) / 2
