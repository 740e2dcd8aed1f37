"""SGD: the three formulas in its docstring, on every device. What all optimisers promise is in test_optimizer.py."""

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import SGD
from tests.kit import costs
from tests.kit.strict import STRICT

W0 = np.array([1.0, -2.0, 0.5])
GRADIENTS = [np.array([0.5, 1.0, -1.0]), np.array([-0.25, 2.0, 0.0]), np.array([1.0, 1.0, 1.0])]


def parameter(be, values=W0, dtype=np.float64):
    return Parameter(be.asarray(np.array(values, dtype)))


def descend(optimizer, gradients):
    """One step for each gradient of the only parameter; the weights after each."""
    (p,), seen = optimizer.params, []
    for g in gradients:
        p.grad = p.backend.asarray(np.asarray(g, p.dtype))
        optimizer.step()
        seen.append(p.numpy().copy())
    return seen


# ---- the formulas ----------------------------------------------------------------------------------------------


def test_plain_descent_subtracts_the_gradient(be):
    w1, w2, w3 = descend(SGD([parameter(be)], lr=0.1), GRADIENTS)
    g1, g2, g3 = GRADIENTS
    np.testing.assert_allclose(w1, W0 - 0.1 * g1)
    np.testing.assert_allclose(w2, W0 - 0.1 * g1 - 0.1 * g2)
    np.testing.assert_allclose(w3, W0 - 0.1 * g1 - 0.1 * g2 - 0.1 * g3)


def test_momentum_accumulates_a_velocity(be):
    w1, w2, w3 = descend(SGD([parameter(be)], lr=0.1, momentum=0.9), GRADIENTS)
    g1, g2, g3 = GRADIENTS
    v1, v2, v3 = g1, 0.9 * g1 + g2, 0.81 * g1 + 0.9 * g2 + g3
    np.testing.assert_allclose(w1, W0 - 0.1 * v1)
    np.testing.assert_allclose(w2, W0 - 0.1 * (v1 + v2))
    np.testing.assert_allclose(w3, W0 - 0.1 * (v1 + v2 + v3))


def test_weight_decay_is_added_to_the_gradient(be):
    w1, w2, _ = descend(SGD([parameter(be)], lr=0.1, weight_decay=0.01), GRADIENTS)
    np.testing.assert_allclose(w1, W0 - 0.1 * (GRADIENTS[0] + 0.01 * W0))
    np.testing.assert_allclose(w2, w1 - 0.1 * (GRADIENTS[1] + 0.01 * w1))


def test_nesterov_looks_ahead_with_decay_in_the_velocity(be):
    optimizer = SGD([parameter(be)], lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)
    w1, w2, _ = descend(optimizer, GRADIENTS)
    g1 = GRADIENTS[0] + 0.01 * W0
    v1 = g1
    np.testing.assert_allclose(w1, W0 - 0.1 * (g1 + 0.9 * v1))
    g2 = GRADIENTS[1] + 0.01 * w1
    v2 = 0.9 * v1 + g2
    np.testing.assert_allclose(w2, w1 - 0.1 * (g2 + 0.9 * v2))


def test_complex_weights_descend_along_their_gradient(be):
    p = parameter(be, [1 + 1j, 2 - 1j], np.complex128)
    (w,) = descend(SGD([p], lr=0.5, momentum=0.9, weight_decay=0.1), [[1j, 2 + 2j]])
    np.testing.assert_allclose(w, np.array([1 + 1j, 2 - 1j]) * 0.95 - 0.5 * np.array([1j, 2 + 2j]))


def test_the_learning_rate_may_change_between_steps(be):
    optimizer = SGD([parameter(be)], lr=0.1)
    (w1,) = descend(optimizer, GRADIENTS[:1])
    optimizer.lr = 0.01
    (w2,) = descend(optimizer, GRADIENTS[1:2])
    np.testing.assert_allclose(w2, w1 - 0.01 * GRADIENTS[1])


# ---- state -----------------------------------------------------------------------------------------------------


def test_the_state_of_a_fresh_optimiser_is_its_rate_and_loading_it_forgets_velocities(be):
    fresh, used = SGD([parameter(be)], lr=0.1, momentum=0.9), SGD([parameter(be)], lr=0.2, momentum=0.9)
    descend(used, GRADIENTS)
    assert fresh.state_dict() == {"lr": 0.1}
    used.load_state_dict(fresh.state_dict())
    assert used.state_dict() == {"lr": 0.1}


def test_a_velocity_that_does_not_fit_is_refused_and_nothing_is_loaded(be):
    optimizer = SGD([parameter(be), parameter(be, [1.0])], lr=0.1, momentum=0.9)
    state = {"lr": 0.5, "velocity.0": np.ones(3), "velocity.1": np.ones(2)}
    with pytest.raises(ValueError, match=r"^SGD: velocity 1 is \(2,\), its parameter \(1,\)$"):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == {"lr": 0.1}


@pytest.mark.parametrize(
    "state",
    [{"lr": 0.5, "velocity.0": np.ones(3), "velocity.1": np.ones(3)}, {"lr": 0.5, "moment.0": np.ones(3)}, {}],
    ids=["more parameters", "another optimiser", "empty"],
)
def test_a_state_of_something_else_is_refused_in_a_sentence(state):
    optimizer = SGD([Parameter(W0.copy())], lr=0.1, momentum=0.9)
    with pytest.raises(ValueError, match=r"^SGD: "):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == {"lr": 0.1}


# ---- settings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.0},
        {"lr": -0.1},
        {"lr": float("nan")},
        {"lr": 0.1, "momentum": 1.0},
        {"lr": 0.1, "momentum": -0.1},
        {"lr": 0.1, "weight_decay": -1e-4},
    ],
    ids=str,
)
def test_a_number_out_of_range_is_refused_with_what_came_and_what_was_expected(settings):
    with pytest.raises(ValueError, match=r"^SGD: expected lr > 0, 0 <= momentum < 1 and weight_decay >= 0, got"):
        SGD([Parameter(W0.copy())], **settings)


def test_nesterov_without_momentum_and_an_empty_list_are_refused():
    with pytest.raises(ValueError, match=r"^SGD: nesterov needs a momentum above 0$"):
        SGD([Parameter(W0.copy())], lr=0.1, nesterov=True)
    with pytest.raises(ValueError, match=r"^SGD: got no parameters$"):
        SGD([], lr=0.1)


def test_a_rate_may_be_a_whole_number_or_one_of_numpy(be):
    for lr in (1, np.float32(1), np.int64(1)):
        np.testing.assert_array_equal(descend(SGD([parameter(be)], lr=lr), GRADIENTS[:1])[0], W0 - GRADIENTS[0])


def test_many_parameters_of_several_dtypes_and_layouts_move_as_each_alone(be, rng):
    def draw(i):
        x = rng.standard_normal((2, i % 4 + 1))
        x = (x + 1j * x[::-1]).astype("FD"[i % 2]) if i % 3 == 0 else x.astype("fd"[i % 2])
        return be.xp.asarray(x).T if i % 5 == 0 else be.xp.asarray(x)

    together, alone = ([Parameter(draw(i)) for i in range(140)] for _ in range(2))
    for a, b in zip(together, alone, strict=True):
        b.data[...] = a.data
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}
    one, many = SGD(together, **settings), [SGD([p], **settings) for p in alone]
    for _ in range(2):
        for i, (a, b) in enumerate(zip(together, alone, strict=True)):
            a.grad = b.grad = draw(i)
        one.step()
        for optimizer in many:
            optimizer.step()
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_device_needs_one_launch_for_all_parameters(rng):
    parameters = [Parameter(STRICT.asarray(rng.standard_normal((3, 4)).astype("f"))) for _ in range(40)]
    optimizer = SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(2):
        for p in parameters:
            p.grad = p.data * 1
        with costs.count() as step:
            optimizer.step()
    assert (step.launches, step.uploads, step.waits) == (1, 0, 0) or not STRICT.has_kernels
