"""What all optimisers promise: groups, in-place steps, single precision, and a state that continues exactly."""

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import SGD, Adam, AdamW, RMSprop
from tests.kit.strict import STRICT

W0 = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.random.default_rng(0).standard_normal((6, 3))

EVERY = {
    "sgd": lambda params: SGD(params, lr=0.1),
    "sgd with momentum": lambda params: SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01),
    "sgd after nesterov": lambda params: SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adam": lambda params: Adam(params, lr=0.1, weight_decay=0.01),
    "adamw": lambda params: AdamW(params, lr=0.1),
    "rmsprop": lambda params: RMSprop(params, lr=0.1, weight_decay=0.01),
    "rmsprop with momentum": lambda params: RMSprop(params, lr=0.1, momentum=0.9),
}
every_optimizer = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


def parameter(be, values=W0, dtype=np.float64):
    return Parameter(be.asarray(np.array(values, dtype)))


def settings_of(optimizer):
    (group,) = optimizer.param_groups
    return {name: value for name, value in group.items() if name != "params"}


def descend(optimizer, gradients):
    """One step for each gradient, the same for every parameter; the weights of the first after each."""
    seen = []
    for g in gradients:
        for p in optimizer.params:
            p.grad = p.backend.asarray(np.asarray(g, p.dtype))
        optimizer.step()
        seen.append(optimizer.params[0].numpy().copy())
    return seen


def test_the_settings_that_nobody_gave():
    assert settings_of(SGD([Parameter(W0)], lr=0.1)) == {
        "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False,
    }  # fmt: skip
    adam = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
    assert settings_of(Adam([Parameter(W0)])) == {**adam, "weight_decay": 0.0}
    assert settings_of(AdamW([Parameter(W0)])) == {**adam, "weight_decay": 0.01}
    assert settings_of(RMSprop([Parameter(W0)])) == {
        "lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
def test_the_least_settings_that_are_allowed(kind):
    least = {"lr": 1e-30, "alpha": 0.0, "betas": (0.0, 0.0), "eps": 1e-30, "weight_decay": 0.0, "momentum": 0.0}
    known = settings_of(kind([Parameter(W0)], lr=0.1))
    assert kind([Parameter(W0)], **{name: value for name, value in least.items() if name in known}).lr == 1e-30


# ---- steps -----------------------------------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(be, make, dtype):
    optimizer = make([parameter(be, W0, dtype)])
    seen = descend(optimizer, GRADIENTS)
    assert {w.dtype for w in seen} == {np.dtype(dtype)}
    arrays = [value for value in optimizer.state_dict().values() if isinstance(value, np.ndarray)]
    assert all(array.dtype == dtype for array in arrays)


@every_optimizer
def test_a_step_is_in_place_and_leaves_the_gradient_as_it_is(be, make):
    p = parameter(be)
    data = p.data
    p.grad = gradient = be.asarray(GRADIENTS[0])
    optimizer = make([p])
    for _ in range(2):
        optimizer.step()
        assert p.data is data and p.grad is gradient
        np.testing.assert_array_equal(be.to_host(gradient), GRADIENTS[0])


@every_optimizer
def test_a_parameter_without_a_gradient_stays_and_keeps_nothing(be, make):
    p, q = parameter(be), parameter(be)
    optimizer = make([p, q])
    p.grad = be.asarray(GRADIENTS[0])
    optimizer.step()
    assert not np.array_equal(p.numpy(), W0)
    np.testing.assert_array_equal(q.numpy(), W0)
    assert not any(name.endswith(".1") for name in optimizer.state_dict())


@every_optimizer
def test_real_and_imaginary_parts_are_parameters_each(be, make):
    whole, parts = make([parameter(be, W0 + 2j, np.complex128)]), make([parameter(be), parameter(be, [2, 2, 2])])
    for g, h in zip(GRADIENTS, -GRADIENTS[::-1], strict=True):
        for p, values in zip([*whole.params, *parts.params], [g + 1j * h, g, h], strict=True):
            p.grad = be.asarray(values)
        whole.step()
        parts.step()
    real, imaginary = (p.numpy() for p in parts.params)
    np.testing.assert_allclose(whole.params[0].numpy(), real + 1j * imaginary, rtol=1e-14)


@every_optimizer
def test_zero_grad_forgets_all_gradients(be, make):
    parameters = [parameter(be), parameter(be)]
    for p in parameters:
        p.grad = be.asarray(W0)
    make(parameters).zero_grad()
    assert [p.grad for p in parameters] == [None, None]


@every_optimizer
def test_a_model_that_moves_to_another_device_goes_on(make):
    stays, moves = make([Parameter(W0.copy())]), make([Parameter(W0.copy())])
    descend(stays, GRADIENTS[:2])
    descend(moves, GRADIENTS[:2])
    moves.params[0].data = STRICT.asarray(moves.params[0].data)
    for w, again in zip(descend(stays, GRADIENTS[2:]), descend(moves, GRADIENTS[2:]), strict=True):
        np.testing.assert_array_equal(again, w)


# ---- groups ----------------------------------------------------------------------------------------------------


@every_optimizer
def test_each_group_takes_the_steps_of_an_optimiser_of_its_own(be, make):
    together = make([{"params": parameter(be)}, {"params": [parameter(be)], "lr": 0.01}])
    one, other = make(parameter(be)), make(parameter(be))
    other.lr = 0.01
    for optimizer in (together, one, other):
        descend(optimizer, GRADIENTS)
    np.testing.assert_array_equal(together.params[0].numpy(), one.params[0].numpy())
    np.testing.assert_array_equal(together.params[1].numpy(), other.params[0].numpy())


def test_a_group_has_what_it_says_and_the_rest_from_the_optimiser():
    own = {"params": [Parameter(W0)], "lr": 0.01, "weight_decay": 0.0}
    optimizer = SGD([own, {"params": Parameter(W0)}], lr=0.1, momentum=0.9, weight_decay=0.5)
    first, second = optimizer.param_groups
    assert (first["lr"], first["momentum"], first["weight_decay"]) == (0.01, 0.9, 0.0)
    assert (second["lr"], second["momentum"], second["weight_decay"]) == (0.1, 0.9, 0.5)
    assert own.keys() == {"params", "lr", "weight_decay"}  # the caller's dict is as it was


def test_settings_of_the_only_group_are_attributes():
    optimizer = Adam([Parameter(W0)], lr=0.1, betas=(0.8, 0.9))
    assert (optimizer.lr, optimizer.betas, optimizer.eps, optimizer.weight_decay) == (0.1, (0.8, 0.9), 1e-8, 0.0)
    optimizer.lr = 0.2
    assert optimizer.param_groups[0]["lr"] == 0.2


def test_one_rate_for_several_groups_is_refused():
    optimizer = SGD([{"params": Parameter(W0)}, {"params": Parameter(W0), "lr": 0.2}], lr=0.1)
    assert optimizer.lr == 0.1
    with pytest.raises(ValueError, match=r"^SGD: there are 2 groups; set param_groups\[i\]\['lr'\] of each$"):
        optimizer.lr = 0.3
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.2]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"rate": 0.1}, r"SGD: group 1 has unknown settings \['rate'\], expected \['lr', 'momentum', 'nesterov', "),
        ({"lr": -1.0}, "SGD: expected lr > 0, "),
        ({"params": []}, "SGD: got no parameters in group 1$"),
    ],
)
def test_a_wrong_group_is_refused(group, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        SGD([{"params": Parameter(W0)}, {"params": Parameter(W0), **group}], lr=0.1)


@pytest.mark.parametrize("value", ["0.1", None, W0])
@pytest.mark.parametrize(("kind", "name"), [(SGD, "lr"), (SGD, "momentum"), (Adam, "eps"), (RMSprop, "alpha")])
def test_a_setting_that_is_no_number_is_refused_by_name(kind, name, value):
    with pytest.raises(TypeError, match=rf"^{kind.__name__}: {name} must be a number, got "):
        kind([Parameter(W0)], **{"lr": 0.1, name: value})


# ---- state -----------------------------------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_a_resumed_run_continues_exactly(be, make, dtype):
    def groups(values):
        return [{"params": parameter(be, values, dtype)}, {"params": parameter(be, W0, dtype), "lr": 0.02}]

    unbroken = make(groups(W0))
    expected = descend(unbroken, GRADIENTS)
    first = make(groups(W0))
    *_, w = descend(first, GRADIENTS[:3])
    resumed = make(groups(w))
    for group in resumed.param_groups:
        group["lr"] = 99.0
    resumed.load_state_dict(first.state_dict())
    assert [group["lr"] for group in resumed.param_groups] == [0.1, 0.02]
    for w, again in zip(expected[3:], descend(resumed, GRADIENTS[3:]), strict=True):
        np.testing.assert_array_equal(again, w)


@every_optimizer
def test_a_state_is_numpy_and_a_copy(be, make):
    optimizer = make([parameter(be)])
    descend(optimizer, GRADIENTS[:1])
    state = optimizer.state_dict()
    before = {name: np.copy(value) for name, value in state.items()}
    assert all(type(value) in (np.ndarray, float, int) for value in state.values())
    descend(optimizer, GRADIENTS)
    other = make([parameter(be)])
    other.load_state_dict(state)
    descend(other, GRADIENTS)
    for name, value in before.items():
        np.testing.assert_array_equal(state[name], value)


@every_optimizer
def test_a_state_is_kept_in_the_dtype_of_the_parameters(be, make):
    double, single = make([parameter(be)]), make([parameter(be, W0, np.float32)])
    descend(double, GRADIENTS[:1])
    single.load_state_dict(double.state_dict())
    assert {value.dtype for value in single.state_dict().values() if isinstance(value, np.ndarray)} <= {np.dtype("f4")}


ADAM = {"lr": 0.5, "step.0": 3, "mean.0": np.ones(3), "square.0": np.ones(3)}


def test_a_state_may_hold_lists_for_arrays():
    optimizer = Adam([Parameter(W0.copy())], lr=0.1)
    optimizer.load_state_dict({"lr": 0.5, "step.0": 3, "mean.0": [1, 2, 3], "square.0": [4, 5, 6]})
    assert (
        optimizer.state_dict()["mean.0"].tolist() == [1, 2, 3] and optimizer.state_dict()["square.0"].dtype == W0.dtype
    )


def test_a_rate_that_a_schedule_has_brought_to_zero_is_taken():
    optimizer = Adam([Parameter(W0.copy())], lr=0.1)
    optimizer.load_state_dict({"lr": 0.0})
    assert optimizer.lr == 0


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, r"expected the lr of 1 groups, got \[None\]"),
        (ADAM | {"lr": [0.5, 0.1]}, r"expected the lr of 1 groups, got \[0.5, 0.1\]"),
        (ADAM | {"lr": float("inf")}, r"expected the lr of 1 groups, got \[inf\]"),
        (ADAM | {"lr": -0.1}, r"expected the lr of 1 groups, got \[-0.1\]"),
        (ADAM | {"lr": "0.5"}, r"expected the lr of 1 groups, got \['0.5'\]"),
        (
            {"lr": 0.5, "step.0": 3, "mean.0": np.ones(3)},
            "the state has step, mean of parameter 0, expected step, mean, ",
        ),
        (ADAM | {"square.0": np.ones(4)}, r"square 0 is \(4,\), its parameter \(3,\)"),
        (ADAM | {"square.0": np.ones(3, complex)}, "square 0 is complex128, its parameter float64"),
        (ADAM | {"step.0": 0}, "step 0 is 0, expected a count"),
        (ADAM | {"step.0": np.ones(3)}, "step 0 is"),
        (ADAM | {"mean.1": np.ones(3)}, "these 1 parameters keep no mean.1"),
        ({"lr": 0.5, "velocity.0": np.ones(3)}, "these 1 parameters keep no velocity.0"),
    ],
)
def test_a_state_of_something_else_is_refused_and_nothing_is_loaded(state, message):
    optimizer = Adam([Parameter(W0.copy())], lr=0.1)
    with pytest.raises(ValueError, match=f"^Adam: {message}"):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == {"lr": 0.1}
