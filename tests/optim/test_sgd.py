"""SGD: the three formulas in its docstring, in place, on every device; its state continues exactly."""

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import SGD

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


# ---- what a step touches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}])
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(be, settings, dtype):
    optimizer = SGD([parameter(be, W0, dtype)], lr=0.1, **settings)
    seen = descend(optimizer, GRADIENTS)
    assert {w.dtype for w in seen} == {np.dtype(dtype)}
    state = optimizer.state_dict()
    assert all(array.dtype == dtype for name, array in state.items() if name != "lr")


def test_a_step_is_in_place_and_leaves_the_gradient_as_it_is(be):
    p = parameter(be)
    data = p.data
    p.grad = gradient = be.asarray(GRADIENTS[0])
    optimizer = SGD([p], lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimizer.step()
        assert p.data is data and p.grad is gradient
        np.testing.assert_array_equal(be.to_host(gradient), GRADIENTS[0])


def test_a_parameter_without_a_gradient_stays_and_gathers_no_velocity(be):
    p, q = parameter(be), parameter(be)
    optimizer = SGD([p, q], lr=0.1, momentum=0.9, weight_decay=0.1)
    p.grad = be.asarray(GRADIENTS[0])
    optimizer.step()
    np.testing.assert_array_equal(q.numpy(), W0)
    assert not np.array_equal(p.numpy(), W0)
    assert sorted(optimizer.state_dict()) == ["lr", "velocity.0"]


def test_zero_grad_forgets_all_gradients(be):
    parameters = [parameter(be), parameter(be)]
    for p in parameters:
        p.grad = be.asarray(W0)
    SGD(iter(parameters), lr=0.1).zero_grad()
    assert [p.grad for p in parameters] == [None, None]


def test_the_learning_rate_may_change_between_steps(be):
    optimizer = SGD([parameter(be)], lr=0.1)
    (w1,) = descend(optimizer, GRADIENTS[:1])
    optimizer.lr = 0.01
    (w2,) = descend(optimizer, GRADIENTS[1:2])
    np.testing.assert_allclose(w2, w1 - 0.01 * GRADIENTS[1])


# ---- state -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_resumed_run_continues_exactly(be, nesterov):
    settings = {"momentum": 0.9, "weight_decay": 0.01, "nesterov": nesterov}
    unbroken = SGD([parameter(be, W0, np.float32)], lr=0.1, **settings)
    expected = descend(unbroken, GRADIENTS)
    first = SGD([parameter(be, W0, np.float32)], lr=0.1, **settings)
    (w1,) = descend(first, GRADIENTS[:1])
    state = first.state_dict()
    resumed = SGD([parameter(be, w1, np.float32)], lr=99.0, **settings)
    resumed.load_state_dict(state)
    assert resumed.lr == 0.1
    for w, again in zip(expected[1:], descend(resumed, GRADIENTS[1:]), strict=True):
        np.testing.assert_array_equal(again, w)


def test_a_state_is_numpy_and_a_copy(be):
    optimizer = SGD([parameter(be)], lr=0.1, momentum=0.9)
    descend(optimizer, GRADIENTS[:1])
    state = optimizer.state_dict()
    before = state["velocity.0"].copy()
    assert type(state["velocity.0"]) is np.ndarray and state["lr"] == 0.1
    descend(optimizer, GRADIENTS[1:])
    np.testing.assert_array_equal(state["velocity.0"], before)
    other = SGD([parameter(be)], lr=0.1, momentum=0.9)
    other.load_state_dict(state)
    descend(other, GRADIENTS)
    np.testing.assert_array_equal(state["velocity.0"], before)


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
