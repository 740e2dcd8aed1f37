"""RMSprop: the formulas of the file, entry by entry."""

import math

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import RMSprop


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_three_steps_follow_the_formula(be, momentum, decay):
    w, s, v, alpha, eps, gradients = 2.0, 0.0, 0.0, 0.8, 1e-3, [1.0, -3.0, 0.25]
    for gradient in gradients:
        g = gradient + decay * w
        s = alpha * s + (1 - alpha) * g**2
        v = momentum * v + g / (math.sqrt(s) + eps)
        w -= 0.1 * v
    p = Parameter(be.asarray(np.array([2.0])))
    optimizer = RMSprop([p], 0.1, alpha=alpha, eps=eps, weight_decay=decay, momentum=momentum)
    for gradient in gradients:
        p.grad = be.asarray(np.array([gradient]))
        optimizer.step()
    assert p.numpy()[0] == pytest.approx(w, rel=1e-14)


OUT_OF_RANGE = [("lr", 0.0), ("alpha", 1.0), ("alpha", -0.1), ("eps", 0.0), ("weight_decay", -0.1), ("momentum", 1.0)]


@pytest.mark.parametrize(("name", "value"), [*OUT_OF_RANGE, ("momentum", -0.1)])
def test_a_number_out_of_range_is_refused(name, value):
    with pytest.raises(ValueError, match=r"^RMSprop: expected lr > 0, 0 <= alpha < 1, eps > 0, weight_decay >= 0 and "):
        RMSprop([Parameter(np.ones(1))], **{name: value})
