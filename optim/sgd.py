"""Stochastic gradient descent with momentum.

    g = gradient + weight_decay * w
    v = momentum * v + g                      v starts as g
    w = w - lr * v                            Nesterov: w - lr * (g + momentum * v)

The paper writes k_1 = k_0 + lambda * gradient (eq. 4); descent needs the minus (docs/errata.md).
"""

import itertools
from typing import Any

from specframe.optim import sgd_kernel
from specframe.optim.optimizer import Optimizer, Setting
from specframe.optim.parameters import Groups


class SGD(Optimizer):
    """SGD, in place.

    Parameters
    ----------
    params : Module, list of Parameters or of groups, as in Optimizer
    lr : float above 0; may be changed at any time (schedules do)
    momentum : float in [0, 1)
    weight_decay : float, 0 or more
    nesterov : bool

    Raises
    ------
    TypeError, ValueError
        As Optimizer does.
    """

    momentum, weight_decay, nesterov = Setting(), Setting(), Setting()

    def __init__(
        self, params: Groups, lr: float, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False
    ):
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    def check(self, lr: float, momentum: float, weight_decay: float, nesterov: bool) -> None:
        if not lr > 0 or not 0 <= momentum < 1 or not weight_decay >= 0:
            raise ValueError(
                f"SGD: expected lr > 0, 0 <= momentum < 1 and weight_decay >= 0, got {lr}, {momentum}, {weight_decay}"
            )
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")

    def slots(self, momentum: float, **others: Any) -> tuple[str, ...]:
        return ("velocity",) if momentum else ()

    def update_all(self, updates: list[tuple[Any, Any, dict[str, Any]]], **settings: Any) -> None:
        b, left = self.params[0].backend, updates
        if b.has_kernels:
            ours = [sgd_kernel.takes(b, weight, gradient) for weight, gradient, _ in updates]
            sgd_kernel.step(b, [*itertools.compress(updates, ours)], **settings)
            left = [update for update, taken in zip(updates, ours, strict=True) if not taken]
        super().update_all(left, **settings)

    def update(
        self, weight: Any, gradient: Any, state: dict[str, Any],
        lr: float, momentum: float, weight_decay: float, nesterov: bool,
    ) -> None:  # fmt: skip
        w, g = weight, gradient
        number = w.dtype.type  # plain floats would widen float32 arrays on some backends
        if weight_decay:
            g = g + number(weight_decay) * w
        if momentum:
            if "velocity" not in state:
                v = state["velocity"] = g.copy()
            else:
                v = state["velocity"]
                v *= number(momentum)
                v += g
            g = g + number(momentum) * v if nesterov else v
        w -= number(lr) * g
