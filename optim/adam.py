"""Adam (Kingma and Ba, 2015), and AdamW (Loshchilov and Hutter, 2019), which keeps the weight decay out of the moments.

    g = gradient + weight_decay * w           AdamW: w = w - lr * weight_decay * w instead
    m = b1 * m + (1 - b1) * g                 starts as 0
    v = b2 * v + (1 - b2) * g^2               starts as 0
    w = w - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

t counts the steps of each parameter from 1. The real and the imaginary part of a complex parameter are two parameters.
"""

from typing import Any

from specframe import backend
from specframe.optim.optimizer import Optimizer, Setting, real_parts
from specframe.optim.parameters import Groups


class Adam(Optimizer):
    """Adam, in place.

    Parameters
    ----------
    params : Module, list of Parameters or of groups, as in Optimizer
    lr : float above 0
    betas : (b1, b2), each in [0, 1)
    eps : float above 0
    weight_decay : float, 0 or more; added to the gradient

    Raises
    ------
    TypeError, ValueError
        As Optimizer does.
    """

    betas, eps, weight_decay = Setting(), Setting(), Setting()

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def check(self, lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
        two = isinstance(betas, tuple | list) and len(betas) == 2 and all(0 <= b < 1 for b in betas)
        if not lr > 0 or not two or not eps > 0 or not weight_decay >= 0:
            raise ValueError(
                f"{type(self).__name__}: expected lr > 0, two betas in [0, 1), eps > 0 and weight_decay >= 0,"
                f" got {lr}, {betas}, {eps}, {weight_decay}"
            )

    def slots(self, **settings: Any) -> tuple[str, ...]:
        return "step", "mean", "square"

    def update(
        self, weight: Any, gradient: Any, state: dict[str, Any],
        lr: float, betas: tuple[float, float], eps: float, weight_decay: float,
    ) -> None:  # fmt: skip
        xp = backend.of("Adam", weight, gradient).xp
        if weight_decay:
            gradient = gradient + weight.dtype.type(weight_decay) * weight
        if not state:
            state |= {"step": 0, "mean": xp.zeros_like(weight), "square": xp.zeros_like(weight)}
        state["step"] += 1
        b1, b2, t = *betas, state["step"]
        for w, g, m, v in real_parts(weight, gradient, state["mean"], state["square"]):
            number = w.dtype.type  # plain floats would widen float32 arrays on some backends
            m *= number(b1)
            m += number(1 - b1) * g
            v *= number(b2)
            v += number(1 - b2) * (g * g)
            w -= number(lr / (1 - b1**t)) * m / (xp.sqrt(v / number(1 - b2**t)) + number(eps))


class AdamW(Adam):
    """Adam with decoupled weight decay, in place.

    Parameters
    ----------
    params, lr, betas, eps : as in Adam
    weight_decay : float, 0 or more; each step also takes the share lr * weight_decay off the weights
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ):
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(
        self, weight: Any, gradient: Any, state: dict[str, Any],
        lr: float, betas: tuple[float, float], eps: float, weight_decay: float,
    ) -> None:  # fmt: skip
        weight *= weight.dtype.type(1 - lr * weight_decay)
        super().update(weight, gradient, state, lr, betas, eps, weight_decay=0.0)
