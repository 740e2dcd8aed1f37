"""Clipping by the norm of all gradients together.

    n = sqrt(sum |g|^2)                       over all entries of all gradients
    g = g * max_norm / (n + 1e-6)             where n is larger than max_norm

One factor for all: the direction of the step stays.
"""

import math
from typing import Any

import numpy as np

from specframe import backend
from specframe.optim.optimizer import real_parts
from specframe.optim.parameters import Params, as_list


def clip_grad_norm(params: Params, max_norm: float) -> float:
    """Scale all gradients so that their common norm is at most `max_norm`; to be called before `optimizer.step()`.

    Parameters
    ----------
    params : Module, or list of Parameters; those without a gradient do not count
    max_norm : float above 0

    Returns
    -------
    float
        The norm before. Where it is not finite, the gradients stay as they are. On a GPU, the host waits for it.

    Raises
    ------
    TypeError, ValueError
        `params` is not a list of distinct Parameters, or `max_norm` is not above 0.
    """
    parameters = [parameter for parameter in as_list("clip_grad_norm", params) if parameter.grad is not None]
    if not max_norm > 0:
        raise ValueError(f"clip_grad_norm: expected max_norm > 0, got {max_norm}")
    norm = math.sqrt(float(sum(_square(parameter.grad) for parameter in parameters)))  # one wait for all of them
    scale = max_norm / (norm + 1e-6)
    if 0 < scale < 1:
        for parameter in parameters:
            parameter.grad = parameter.grad * parameter.dtype.type(scale)  # not in place: two may share one array
    return norm


def _square(g: Any) -> Any:
    """Sum of |g|^2, in double precision: squares of single precision end at |g| = 2e19."""
    xp = backend.of("clip_grad_norm", g).xp
    return sum(xp.square(part, dtype=np.float64).sum() for (part,) in real_parts(g))
