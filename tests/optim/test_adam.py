"""Adam and AdamW: the formulas of the file, entry by entry."""

import math

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import Adam, AdamW


def descend(optimizer, gradients):
    (p,) = optimizer.params
    for g in gradients:
        p.grad = p.backend.asarray(np.array([g]))
        optimizer.step()
    return p.numpy()[0]


def test_the_first_step_is_the_rate_against_the_sign_of_the_gradient(be):
    for g in (1e-3, -7.0, 1e6):
        p = Parameter(be.asarray(np.array([1.0])))
        assert descend(Adam([p], lr=0.1), [g]) == pytest.approx(1 - math.copysign(0.1, g), rel=1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_three_steps_follow_the_formula(be, decay):
    w, m, v, b1, b2, eps = 2.0, 0.0, 0.0, 0.8, 0.95, 1e-3
    for t, gradient in enumerate([1.0, -3.0, 0.25], 1):
        g = gradient + decay * w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        w -= 0.1 * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + eps)
    p = Parameter(be.asarray(np.array([2.0])))
    got = descend(Adam([p], 0.1, betas=(b1, b2), eps=eps, weight_decay=decay), [1.0, -3.0, 0.25])
    assert got == pytest.approx(w, rel=1e-14)


def test_decoupled_decay_takes_its_share_of_the_weights_whatever_the_gradient(be):
    p, q = (Parameter(be.asarray(np.array([2.0]))) for _ in range(2))
    without = descend(Adam([p], 0.1), [1.0])
    assert descend(AdamW([q], 0.1, weight_decay=0.5), [1.0]) == pytest.approx(without - 0.1 * 0.5 * 2.0, rel=1e-14)


def test_each_parameter_counts_its_own_steps():
    p, q = Parameter(np.ones(1)), Parameter(np.ones(1))
    optimizer = Adam([p, q])
    p.grad = np.ones(1)
    optimizer.step()
    q.grad = np.ones(1)
    optimizer.step()
    state = optimizer.state_dict()
    assert (state["step.0"], state["step.1"]) == (2, 1)


@pytest.mark.parametrize("settings", [{"lr": 0.0}, {"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}, {"betas": 0.9},
                                      {"betas": (0.9, 0.99, 0.999)}, {"eps": 0.0},
                                      {"weight_decay": -0.1}], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_a_number_out_of_range_is_refused(kind, settings):
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: expected lr > 0, two betas in \[0, 1\), eps > 0 and "):
        kind([Parameter(np.ones(1))], **settings)
