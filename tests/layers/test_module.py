"""Module: names, order, calls, modes, devices and states of whatever is built from attributes."""

import copy
import pickle
import threading

import numpy as np
import pytest

from specframe import Tape, Tensor, backend
from specframe.layers import BatchNorm2d, Dropout, Linear, Module, Parameter, ReLU, Sequential
from specframe.models import LeNet5, SpecLeNet5
from tests.kit.strict import STRICT


class Net(Module):
    """A bit of everything: children, lists of them, a parameter of its own, buffers."""

    def __init__(self, dtype=np.float32):
        self.first = Linear(3, 4, rng=1, dtype=dtype)
        self.scale = Parameter(np.full(4, 2.0, dtype))
        hidden = Sequential(Linear(4, 4, rng=2, dtype=dtype), ReLU())
        self.blocks = [hidden, Linear(4, 2, bias=False, rng=3, dtype=dtype)]
        self.norm = BatchNorm2d(2, dtype=dtype)
        self.drop = Dropout(0.5)
        self.label = "no module"


PARAMETERS = [
    "scale", "first.weight", "first.bias", "blocks.0.0.weight", "blocks.0.0.bias", "blocks.1.weight", "norm.weight",
    "norm.bias",
]  # fmt: skip
BUFFERS = ["norm.running_mean", "norm.running_var", "drop.key"]


def same(state, other):
    return state.keys() == other.keys() and all(np.array_equal(state[name], other[name]) for name in state)


# ---- names and order -------------------------------------------------------------------------------------------


def test_parameters_are_named_by_the_path_of_attributes_in_their_order():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == PARAMETERS
    assert [name for name, _ in net.named_buffers()] == BUFFERS
    by_name = dict(net.named_parameters())
    assert by_name["first.weight"] is net.first.weight and by_name["scale"] is net.scale
    assert all(p is by_name[name] for p, name in zip(net.parameters(), PARAMETERS, strict=True))
    assert [array.shape for array in net.buffers()] == [(2,), (2,), (2,)]


def test_modules_lists_everything_inside_with_its_path():
    names = [name for name, _ in Net().named_modules()]
    assert names == ["", "first", "blocks.0", "blocks.0.0", "blocks.0.1", "blocks.1", "norm", "drop"]


def test_tensors_that_are_no_parameters_are_not_trained():
    net = Module()
    net.constant, net.missing = Tensor(np.ones(2)), None
    assert net.parameters() == [] and net.state_dict() == {}


def test_a_bias_that_is_left_out_is_not_there():
    layer = Linear(3, 2, bias=False)
    assert layer.bias is None and [name for name, _ in layer.named_parameters()] == ["weight"]


def test_a_parameter_is_a_leaf_that_wants_a_gradient():
    parameter = Parameter(np.ones(2, np.float32))
    assert isinstance(parameter, Tensor) and parameter.requires_grad and parameter.grad is None
    assert repr(parameter) == "Parameter([1., 1.], dtype=float32, requires_grad=True)"


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r"^Module does not define forward$"):
        Module()(1)


# ---- modes -----------------------------------------------------------------------------------------------------


def test_train_and_eval_reach_everything_inside():
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net and not any(module.training for module in net.modules())
    assert net.train() is net and all(module.training for module in net.modules())
    net.drop.eval()
    assert net.norm.training and not net.drop.training
    assert Net().training, "one net's mode is not another's"


@pytest.mark.parametrize("training", [True, False])
def test_a_mode_for_a_while_puts_back_each_parts_own(training):
    net = Net()
    net.norm.eval()
    before = [module.training for module in net.modules()]
    with net.mode(training=training) as inside:
        assert inside is net and {module.training for module in net.modules()} == {training}
    assert [module.training for module in net.modules()] == before
    with pytest.raises(KeyError), net.mode(training):
        raise KeyError
    assert [module.training for module in net.modules()] == before


def test_frozen_parameters_get_no_gradient_until_they_are_thawed(rng):
    net, x = Linear(3, 2, rng=1), Tensor(rng.standard_normal((4, 3)).astype(np.float32), requires_grad=True)

    def backward():
        with Tape() as tape:
            y = net(x)
        tape.backward(y, np.ones(y.shape, np.float32))

    assert net.requires_grad_(False) is net
    backward()
    assert net.weight.grad is None and net.bias.grad is None and x.grad is not None
    net.requires_grad_()
    backward()
    assert net.weight.grad is not None
    net.zero_grad()
    assert net.weight.grad is None and net.bias.grad is None


# ---- calls -----------------------------------------------------------------------------------------------------


def test_arrays_are_called_with_as_tensors(be, rng):
    class Both(Module):
        def forward(self, x, y, *, z):
            assert all(type(value) is Tensor for value in (x, y, z))
            return x, y, z

    arrays = [be.asarray(rng.standard_normal(2)), be.asarray(rng.standard_normal(2) + 1j), be.asarray(np.ones(2))]
    results = Both()(*arrays[:2], z=arrays[2])
    assert all(result.data is array for result, array in zip(results, arrays, strict=True))
    layer, x = Linear(3, 2, rng=1), rng.standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_array_equal(layer(x).data, layer(Tensor(x)).data)


@pytest.mark.parametrize(
    "value", [np.arange(3), np.array([True]), np.float32(1), 1.0, None, "text", [1.0], Tensor([1.0])]
)
def test_what_is_no_real_or_complex_array_is_passed_on(value):
    class Same(Module):
        def forward(self, x):
            return x

    assert Same()(value) is value and Same()(x=value) is value


def test_an_observer_sees_the_forwards_of_its_own_thread_only():
    net, x, seen = Sequential(ReLU(), Linear(2, 2, rng=1)), np.ones((1, 2), np.float32), []
    with Module.observed(lambda module, result: seen.append((module, result.shape))):
        thread = threading.Thread(target=net, args=(x,))
        thread.start()
        thread.join()
        assert seen == []
        with Module.observed(lambda *_: None):
            net(x)
        assert seen == []
        net(x)
    net(x)
    assert seen == [(net[0], (1, 2)), (net[1], (1, 2)), (net, (1, 2))]


# ---- copies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_deep_copy_is_a_net_of_its_own(duplicate):
    net = Net()
    net.norm.eval()
    other = duplicate(net)
    assert [name for name, _ in other.named_modules()] == [name for name, _ in net.named_modules()]
    assert not {id(part) for part in net.modules()} & {id(part) for part in other.modules()}
    assert not other.norm.training and other.first.training
    state, copied = net.state_dict(), other.state_dict()
    assert copied.pop("drop.key").tolist() != state.pop("drop.key").tolist()
    assert same(copied, state)
    other.first.weight.data += 1
    other.norm.running_mean += 1
    state.pop("first.weight")
    assert net.norm.running_mean.sum() == 0
    assert all(np.array_equal(net.state_dict()[name], array) for name, array in state.items())


# ---- devices ---------------------------------------------------------------------------------------------------


def test_a_module_moves_there_and_back_with_gradients_and_buffers():
    net = Net()
    before = net.state_dict()
    net.scale.grad = np.arange(4, dtype=np.float32)
    assert net.device == "cpu" and net.to(STRICT) is net and net.device == "strict"
    assert all(isinstance(p.data, STRICT.array_type) for p in net.parameters())
    assert all(isinstance(array, STRICT.array_type) for array in net.buffers())
    assert isinstance(net.scale.grad, STRICT.array_type) and net.first.weight.grad is None
    there = net.state_dict()
    assert same(there, before) and all(type(array) is np.ndarray for array in there.values())
    net.to("cpu")
    assert net.device == "cpu" and same(net.state_dict(), before)
    assert type(net.scale.grad) is np.ndarray and net.scale.grad.tolist() == [0, 1, 2, 3]
    assert all(type(array) is np.ndarray for array in (*net.buffers(), *(p.data for p in net.parameters())))


def test_moving_keeps_the_parameters_themselves():
    net = Net()
    parameters = net.parameters()
    net.to(STRICT)
    assert all(p is q for p, q in zip(net.parameters(), parameters, strict=True))  # an optimiser still holds them


def test_to_the_device_it_is_on_copies_nothing():
    net = Net()
    arrays = [p.data for p in net.parameters()]
    net.to("cpu")
    assert all(p.data is array for p, array in zip(net.parameters(), arrays, strict=True))


def test_a_module_without_parameters_is_on_the_cpu():
    assert ReLU().to(STRICT).device == "cpu"


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match=r"^unknown device 'gpu': choose auto, cpu or cuda$"):
        Net().to("gpu")


# ---- states ----------------------------------------------------------------------------------------------------


def test_a_state_has_parameters_and_buffers_by_name():
    state = Net().state_dict()
    assert list(state) == PARAMETERS + BUFFERS
    assert all(type(array) is np.ndarray for array in state.values())


def test_a_state_is_a_copy():
    net = Net()
    state = net.state_dict()
    net.first.weight.data += 1
    net.norm.running_mean += 1
    assert not np.array_equal(state["first.weight"], net.first.weight.data) and state["norm.running_mean"].sum() == 0
    state = net.state_dict()
    other = Net()
    other.load_state_dict(state)
    state["first.weight"] += 1
    state["norm.running_mean"] += 1
    assert same(other.state_dict(), net.state_dict())


def changed(net):
    """The net with other numbers everywhere."""
    rng = np.random.default_rng(9)
    for parameter in net.parameters():
        parameter.data = rng.standard_normal(parameter.shape).astype(parameter.dtype)
    net.norm.running_mean, net.norm.running_var = np.full(2, 0.25, np.float32), np.full(2, 3.0, np.float32)
    net.drop.key = np.array([0, 7])
    return net


def test_a_state_goes_into_another_module_exactly(be):
    state = changed(Net()).state_dict()
    net = Net().to(be)
    parameters = net.parameters()
    net.load_state_dict(state)
    assert net.device == be.name and same(net.state_dict(), state)
    assert all(isinstance(array, be.array_type) for array in net.buffers())
    assert all(p is q for p, q in zip(net.parameters(), parameters, strict=True))


@pytest.mark.parametrize(("here", "there"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_loading_keeps_the_precision_of_the_module(here, there):
    state = changed(Net(there)).state_dict()
    net = Net(here)
    net.load_state_dict(state)
    loaded = net.state_dict()
    assert {array.dtype for name, array in loaded.items() if name != "drop.key"} == {np.dtype(here)}
    assert loaded["drop.key"].dtype == np.int64
    for name, array in state.items():
        np.testing.assert_array_equal(loaded[name], array.astype(loaded[name].dtype))


def test_states_of_the_twins_are_interchangeable():
    spatial, spectral = LeNet5(seed=1), SpecLeNet5(seed=2)
    spectral.load_state_dict(spatial.state_dict())
    assert same(spectral.state_dict(), spatial.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("scale"), r"Net: the state lacks \['scale'\], and has unknown nothing"),
        (lambda s: s.update(extra=np.ones(1)), r"Net: the state lacks nothing, and has unknown \['extra'\]"),
        (lambda s: s.pop("drop.key"), r"Net: the state lacks \['drop.key'\], and has unknown nothing"),
        (
            lambda s: s.update({"blocks.1.weight": np.ones((2, 5))}),
            r"Net: blocks.1.weight is \(2, 4\), but the state has \(2, 5\)",
        ),
        (
            lambda s: s.update({"norm.running_var": np.ones((2, 1))}),
            r"Net: norm.running_var is \(2,\), but the state has \(2, 1\)",
        ),
    ],
    ids=["missing", "unknown", "missing buffer", "shape", "shape of a buffer"],
)
def test_a_state_of_another_model_is_refused_in_a_sentence_and_nothing_is_loaded(change, message):
    net, state = Net(), changed(Net()).state_dict()
    before = net.state_dict()
    change(state)
    with pytest.raises(ValueError, match=f"^{message}$"):
        net.load_state_dict(state)
    assert same(net.state_dict(), before)


@pytest.mark.parametrize("name", ["blocks.1.weight", "norm.running_var"])
def test_a_state_with_an_entry_that_is_no_number_is_refused_and_nothing_is_loaded(name):
    net, state = Net(), changed(Net()).state_dict()
    before = net.state_dict()
    state[name] = np.full(state[name].shape, "text")
    with pytest.raises(ValueError, match=name):
        net.load_state_dict(state)
    assert same(net.state_dict(), before)


def test_a_complex_state_does_not_lose_its_imaginary_part_silently():
    net, state = Net(), Net().state_dict()
    state["scale"] = state["scale"] + 1j
    with pytest.raises(ValueError, match="scale"):
        net.load_state_dict(state)


def test_loading_moves_nothing_to_the_device_of_the_state():
    net = Net().to(STRICT)
    net.load_state_dict(Net().state_dict())
    assert net.device == "strict" and backend.of("norm", net.norm.running_mean) is STRICT
