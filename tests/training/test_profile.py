"""profile: its rows are the whole step, its bytes the ledger's, and the model does not notice."""

import sys

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.layers import BatchNorm2d, Checkpoint, Conv2d, Dropout, Flatten, Linear, Module, Sequential, Tanh
from specframe.models import SpecLeNet5, SpecVGG16
from specframe.ops import pointwise
from specframe.training.profile import Profile, Row, profile
from tests.kit.strict import STRICT

LABELS = np.array([3, 1, 4, 1])


def images(size=28, channels=1, dtype=np.float32):
    return np.random.default_rng(0).standard_normal((size, size, 4, channels)).astype(dtype)


def test_a_step_of_a_net_row_by_row():
    found = sf.profile(SpecLeNet5(), images(), LABELS, steps=1)
    assert [(row.layer, row.op, row.calls) for row in found.rows] == [
        ("conv1", "rfft2", 1), ("conv1", "spectral_conv_act", 1), ("conv1", "irfft2", 1), ("pool", "max_pool2d", 2),
        ("conv2", "rfft2", 1), ("conv2", "spectral_conv_act", 1), ("conv2", "irfft2", 1), ("flatten", "transpose", 1),
        ("flatten", "reshape", 1), ("fc1", "linear", 1), ("", "tanh", 2), ("fc2", "linear", 1), ("fc3", "linear", 1),
        ("", "softmax_cross_entropy", 1), ("", "between ops", 0),
    ]  # fmt: skip
    assert all(row.forward > 0 and row.backward > 0 for row in found.rows if row.op != "rfft2")


@pytest.mark.parametrize("settings", [{}, {"store": "csr"}, {"recompute": "block"}], ids=str)
@pytest.mark.parametrize("make", [SpecLeNet5, lambda: SpecVGG16(1, image_size=32, width=0.05)])
def test_the_bytes_are_the_ledgers_place_by_place(make, settings):
    net, x = make(), images(32 if make is not SpecLeNet5 else 28)
    with sf.Tape(**settings) as tape:
        ops.softmax_cross_entropy(net(x), LABELS)
    found = profile(make(), x, LABELS, steps=1, **settings)
    assert found.nbytes == tape.ledger.nbytes > 0
    for field in ("layer", "op"):
        saved = {getattr(row, field): row.nbytes for row in found.by(field).rows if row.op != "between ops"}
        assert {name: n for name, n in saved.items() if n} == {
            name: n for name, n in tape.ledger.by(field).items() if n
        }


# ---- seconds, by a clock that only moves when it is told ------------------------------------------------------------


class Clock:
    """In the place of the module `time`."""

    now = 0.0

    def perf_counter(self):
        return self.now

    def takes(self, seconds, fn):
        def run(*args):
            self.now += seconds
            return fn(*args)

        return staticmethod(run)


@pytest.fixture
def clock(monkeypatch):
    """A clock by which tanh takes 2 seconds forward and 3 backward, and nothing else takes any."""
    clock, op = Clock(), pointwise.Tanh
    slow = type("Slow", (op,), {"forward": clock.takes(2, op.forward), "backward": clock.takes(3, op.backward)})
    monkeypatch.setitem(sf.zeros(1).backend.bodies, op, slow)
    monkeypatch.setattr(sys.modules["specframe.training.profile"], "time", clock)
    return clock


class Idle(Module):
    """Takes the next of its seconds, or the last, outside of any op."""

    def __init__(self, clock, *seconds):
        self.clock, self.left = clock, [*seconds]

    def forward(self, x):
        self.clock.now += self.left.pop(0) if len(self.left) > 1 else self.left[0]
        return x


def seconds(found):
    return {(row.layer, row.op): (row.forward, row.backward) for row in found.rows if row.seconds}


def test_the_time_stands_where_it_was_spent_and_the_rows_add_up_to_the_step(clock):
    found = profile(Sequential(Linear(4, 4, rng=0), Tanh(), Idle(clock, 7), Tanh()), np.ones((3, 4), np.float32))
    assert seconds(found) == {("1", "tanh"): (2, 3), ("3", "tanh"): (2, 3), ("", "between ops"): (7, 0)}
    assert found.seconds == 17
    assert seconds(found.by("op")) == {("", "tanh"): (4, 6), ("", "between ops"): (7, 0)}
    assert seconds(found.by("layer")) == {("1", ""): (2, 3), ("3", ""): (2, 3), ("", "between ops"): (7, 0)}


def test_the_figures_are_those_of_the_fastest_step_after_the_first(clock):
    idle = Idle(clock, 1, 9, 5, 8)
    assert profile(idle, np.ones(3, np.float32), steps=3).seconds == 5 and idle.left == [8]


def test_a_checkpoint_is_one_row_with_both_of_its_runs(clock):
    net = Sequential(Linear(4, 4, rng=0), Checkpoint(Sequential(Tanh(), Linear(4, 2, rng=1))))
    found = profile(net, np.ones((3, 4), np.float32))
    assert seconds(found) == {("1", "checkpoint"): (2, 2 + 3)}  # its backward runs the forward once more


# ---- any model, and nothing of it changes -----------------------------------------------------------------------


def test_the_model_does_not_notice():
    net = Sequential(Conv2d(1, 2, 3, rng=0), BatchNorm2d(2), Dropout(0.5, seed=1), Flatten(), Linear(72, 3, rng=1))
    net.parameters()[0].grad = np.full_like(net.parameters()[0].data, 7)
    arrays = [p.data for p in net.parameters()] + net.buffers()
    before, gradients = net.state_dict(), [p.grad for p in net.parameters()]
    profile(net, images(8), LABELS % 3)
    assert all(a is b for a, b in zip([p.data for p in net.parameters()] + net.buffers(), arrays, strict=True))
    assert all(a is b for a, b in zip([p.grad for p in net.parameters()], gradients, strict=True))
    assert (gradients[0] == 7).all()
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert net.training


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_any_module_and_any_result_of_it(dtype):
    class Product(Module):
        def __init__(self):
            self.w = sf.Parameter(np.arange(3.0).astype(dtype))

        def forward(self, x):
            return x * self.w

    found = profile(Product(), np.ones((2, 3), dtype))
    assert [(row.layer, row.op) for row in found.rows] == [("", "multiply"), ("", "between ops")]
    assert found.rows[0].backward > 0


def test_a_frozen_model_has_no_backward():
    found = profile(Linear(3, 2, rng=0).requires_grad_(False), np.ones((1, 3), np.float32))
    assert found.nbytes == 0 and all(row.backward == 0 for row in found.rows[:-1])


class Pair(Module):
    def forward(self, x):
        return x, x


def test_it_waits_for_the_device(monkeypatch):
    waits = []
    monkeypatch.setattr(type(STRICT), "synchronize", lambda self: waits.append(1), raising=False)
    profile(Linear(3, 2, rng=0).to(STRICT), STRICT.asarray(np.ones((1, 3), np.float32)), steps=1)
    assert len(waits) == 2 * 4  # in two runs of one op: before and after, forward and backward


def test_the_table():
    found = Profile([Row("conv1", "rfft2", 1, 0.001, 0.002, 1024), Row("", "tanh", 2, 0.0005, 0.0, 0),
                     Row("", "between ops", 0, 0.0001, 0.0004, 0)])  # fmt: skip
    assert (
        str(found)
        == """\
layer  op           calls  forward, ms  backward, ms  share, %  saved, bytes
conv1  rfft2            1        1.000         2.000      75.0         1,024
       tanh             2        0.500         0.000      12.5             0
       between ops               0.100         0.400      12.5             0
total                            1.600         2.400     100.0         1,024"""
    )
    assert str(found.by("op")).splitlines()[0].startswith("op ")
    assert str(found.by("op")).splitlines()[-1].startswith("total ")


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [(lambda: profile(np.tanh, np.ones(2)), TypeError, "profile: expected a Module, got ufunc"),
     (lambda: profile(Tanh(), np.ones(2), steps=0), ValueError,
      "profile: steps must be a whole number, 1 or more, got 0"),
     (lambda: profile(Pair(), np.ones(2)), TypeError, "profile: expected a model that gives a Tensor, got tuple"),
     (lambda: profile(Tanh(), np.ones(2)).by("row"), ValueError, "Profile.by: expected 'layer' or 'op', got 'row'")],
)  # fmt: skip
def test_what_it_cannot_take_is_said(call, error, sentence):
    with pytest.raises(error, match=f"^{sentence}$"):
        call()
