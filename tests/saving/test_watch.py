"""What changes between forward and backward is seen, named, and never a silent wrong gradient."""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.layers import BatchNorm2d, Conv2d, Linear, Sequential, SpectralBlock
from specframe.optim import SGD
from specframe.saving.watch import SAMPLES, _spread, mark
from tests.ops.common import normal

CHANGED = r"^{}: the array it saved as '{}' has changed between forward and backward"


def leaf(be, array):
    return sf.Tensor(be.asarray(array), requires_grad=True)


def test_a_weight_that_is_updated_in_between_is_named():
    x = leaf(sf.backend.get("cpu"), np.ones(3))
    with sf.Tape() as tape:
        y = ops.sum(x * x * x)
    x.data -= 1
    with pytest.raises(RuntimeError, match=CHANGED.format("multiply", "b")):
        tape.backward(y)
    assert x.grad is None


def test_an_optimiser_that_steps_in_between_is_named(rng):
    generator, critic = Linear(3, 4, rng=1), Linear(4, 1, rng=2)
    x = sf.Tensor(normal(rng, (5, 3), np.float32))
    with sf.Tape() as tape:
        fake = generator(x)
        loss = ops.mean(critic(fake))
    with sf.Tape() as other:
        other_loss = ops.mean(critic(sf.Tensor(fake.data)))
    other.backward(other_loss)
    SGD(critic.parameters(), 0.1).step()
    with pytest.raises(RuntimeError, match=CHANGED.format("linear", "weight")):
        tape.backward(loss)


@pytest.mark.parametrize("layer", [
    lambda: Conv2d(2, 3, 3, padding=1, dtype=np.float64), lambda: SpectralBlock(2, 3, 3, dtype=np.float64),
    lambda: Sequential(Conv2d(2, 3, 3, dtype=np.float64), BatchNorm2d(3, dtype=np.float64)),
])  # fmt: skip
def test_a_batch_buffer_that_is_filled_again_is_seen(rng, layer):
    buffer = normal(rng, (6, 5, 4, 2))
    with sf.Tape() as tape:
        y = ops.sum(layer()(sf.Tensor(buffer)))
    buffer[...] = normal(rng, buffer.shape)
    with pytest.raises(RuntimeError, match="has changed between forward and backward"):
        tape.backward(y)


def test_a_result_that_is_changed_in_place_is_seen(rng):
    x = leaf(sf.backend.get("cpu"), normal(rng, (4, 5)))
    with sf.Tape() as tape:
        h = ops.tanh(x)
        y = ops.sum(h * h)
    h.data *= 2
    with pytest.raises(RuntimeError, match="has changed"):
        tape.backward(y)


def test_a_copy_that_the_store_made_is_right_whatever_happens_to_the_original(rng):
    given = normal(rng, (40, 50)) * (rng.random((40, 50)) < 0.1)
    x = leaf(sf.backend.get("cpu"), given)
    with sf.Tape(store="mask") as tape:
        h = x * 1
        y = ops.sum(h * h)
    h.data[...] = 7
    tape.backward(y)
    np.testing.assert_array_equal(x.grad, 2 * given)


def test_a_change_of_one_entry_is_seen_under_check_on_every_device(be, rng):
    for place in ((0, 0), (33, 21), (79, 89)):
        x = leaf(be, normal(rng, (80, 90)))
        with sf.Tape(check=True) as tape:
            y = ops.sum(x * x)
        x.data[place] = 5
        with pytest.raises(RuntimeError, match=CHANGED.format("multiply", "b")):
            tape.backward(y)


@pytest.mark.parametrize("when", ["before its count has come", "after"])
@pytest.mark.parametrize("store", ["auto", "dense"])
def test_a_result_that_is_changed_is_seen_under_check_while_its_format_is_open_and_later(be, rng, store, when):
    x = leaf(be, normal(rng, (4, 5)))
    with sf.Tape(store=store, check=True) as tape:
        h = ops.tanh(x)
        y = ops.sum(h * h)
        if when != "after":
            h.data[1] = 0.25
    if when == "after":
        h.data[1] = 0.25
    with pytest.raises(RuntimeError, match=CHANGED.format("multiply", "b")):
        tape.backward(y)


def test_without_a_change_nothing_is_reported(be, rng):
    for check in (False, True):
        x = leaf(be, normal(rng, (8, 9)))
        with sf.Tape(check=check) as tape:
            y = ops.sum(ops.relu(ops.tanh(x) * x))
        tape.backward(y)
        assert np.isfinite(to_host(x.grad)).all()


def test_nan_does_not_count_as_a_change():
    x = leaf(sf.backend.get("cpu"), np.array([1.0, np.nan]))
    with sf.Tape() as tape:
        y = ops.sum(x * x)
    tape.backward(y)
    assert x.grad[0] == 2 and np.isnan(x.grad[1])


@pytest.mark.parametrize(
    "shape", [(), (0,), (0, 4), (1,), (10,), (1000,), (3, 5), (64, 784), (28, 28, 64, 6), (1, 1, 64, 500)]
)
def test_the_sample_is_spread_over_all_axes_and_bounded(shape):
    picked = np.zeros(shape)[_spread(shape)]
    assert picked.size <= SAMPLES
    assert picked.size >= min(np.prod(shape), SAMPLES // 4)
    assert all(n > 1 for n, whole in zip(picked.shape, shape, strict=True) if whole > 1)


def test_an_update_of_the_whole_array_changes_the_mark(rng):
    for shape in ((7,), (64, 784), (28, 28, 64, 6)):
        array = normal(rng, shape, np.float32)
        before = mark(array, False)
        assert mark(array, False) == before
        array *= np.float32(0.999)
        assert mark(array, False) != before


def test_on_a_device_where_reading_waits_the_default_looks_at_nothing(be):
    assert (mark(be.asarray(np.ones(3)), False) is None) == be.reading_waits
