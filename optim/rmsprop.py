"""RMSprop (Hinton, lecture 6e of Neural Networks for Machine Learning, 2012).

    g = gradient + weight_decay * w
    s = alpha * s + (1 - alpha) * g^2         starts as 0
    v = momentum * v + g / (sqrt(s) + eps)    starts as 0
    w = w - lr * v

The real and the imaginary part of a complex parameter are two parameters.
"""

from typing import Any

from specframe import backend
from specframe.optim.optimizer import Optimizer, Setting, real_parts
from specframe.optim.parameters import Groups


class RMSprop(Optimizer):
    """RMSprop, in place.

    Parameters
    ----------
    params : Module, list of Parameters or of groups, as in Optimizer
    lr : float above 0
    alpha, momentum : float in [0, 1)
    eps : float above 0
    weight_decay : float, 0 or more

    Raises
    ------
    TypeError, ValueError
        As Optimizer does.
    """

    alpha, eps, weight_decay, momentum = Setting(), Setting(), Setting(), Setting()

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ):
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)

    def check(self, lr: float, alpha: float, eps: float, weight_decay: float, momentum: float) -> None:
        if not lr > 0 or not 0 <= alpha < 1 or not eps > 0 or not weight_decay >= 0 or not 0 <= momentum < 1:
            raise ValueError(
                "RMSprop: expected lr > 0, 0 <= alpha < 1, eps > 0, weight_decay >= 0 and 0 <= momentum < 1,"
                f" got {lr}, {alpha}, {eps}, {weight_decay}, {momentum}"
            )

    def slots(self, momentum: float, **others: Any) -> tuple[str, ...]:
        return ("square", "velocity") if momentum else ("square",)

    def update(
        self, weight: Any, gradient: Any, state: dict[str, Any],
        lr: float, alpha: float, eps: float, weight_decay: float, momentum: float,
    ) -> None:  # fmt: skip
        xp = backend.of("RMSprop", weight, gradient).xp
        if weight_decay:
            gradient = gradient + weight.dtype.type(weight_decay) * weight
        for name in self.slots(momentum):
            if name not in state:
                state[name] = xp.zeros_like(weight)
        for w, g, s, *velocity in real_parts(weight, gradient, *state.values()):
            number = w.dtype.type  # plain floats would widen float32 arrays on some backends
            s *= number(alpha)
            s += number(1 - alpha) * (g * g)
            step = g / (xp.sqrt(s) + number(eps))
            for v in velocity:
                v *= number(momentum)
                v += step
                step = v
            w -= number(lr) * step
