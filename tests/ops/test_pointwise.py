"""relu, leaky_relu and tanh: values, conventions at 0 and for NaN, gradients, what they save."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, run, value


def away_from_zero(rng, shape):
    x = normal(rng, shape)
    return x + np.where(x >= 0, 1e-2, -1e-2)


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4, 2, 1), ()])
def test_relu_value_and_gradient(be, rng, shape):
    x = away_from_zero(rng, shape)
    np.testing.assert_array_equal(value(be, ops.relu, x), np.where(x > 0, x, 0))
    gradcheck(ops.relu, be.asarray(x))


def test_relu_gradient_at_zero_is_zero(be):
    y, (gradient,) = run(be, ops.relu, np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(y, [0, 0, 2])
    np.testing.assert_array_equal(gradient, [0, 0, 1])


@pytest.mark.parametrize("op", [ops.relu, ops.leaky_relu])
def test_one_bit_an_entry_is_saved(be, op):
    with Tape() as tape:
        op(Tensor(be.xp.ones((64, 3)), requires_grad=True))
    assert tape.ledger.nbytes == 64 * 3 // 8


@pytest.mark.parametrize("slope", [0.01, 0.3, 0, 1.5, -0.5])
@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4, 2, 1), ()])
def test_leaky_relu_value_and_gradient(be, rng, shape, slope):
    x = away_from_zero(rng, shape)
    np.testing.assert_array_equal(value(be, lambda x: ops.leaky_relu(x, slope), x), np.where(x > 0, x, slope * x))
    gradcheck(lambda x: ops.leaky_relu(x, slope), be.asarray(x))


def test_leaky_relu_gradient_at_zero_is_the_slope(be):
    y, (gradient,) = run(be, ops.leaky_relu, np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(y, [-0.01, 0, 2])
    np.testing.assert_array_equal(gradient, [0.01, 0.01, 1])


@pytest.mark.parametrize("op", [ops.relu, ops.leaky_relu])
def test_an_activation_of_a_saved_map_is_made_again_bit_by_bit(be, rng, op):
    x, w = normal(rng, (6, 5, 2, 3), np.float32), normal(rng, (4, 3, 3, 3), np.float32)
    weight = Tensor(be.asarray(w), requires_grad=True)
    with Tape("dense") as tape:
        y = ops.conv2d(op(ops.tanh(Tensor(be.asarray(x), requires_grad=True))), weight)
    saved = [(row.op, row.array) for row in tape.ledger.rows if row.nbytes]
    assert saved == [("tanh", "y"), (op.__name__, "positive")]
    tape.backward(y, be.xp.ones(y.shape, y.dtype))
    _, (_, expected) = run(be, ops.conv2d, value(be, lambda x: op(ops.tanh(x)), x), w)
    np.testing.assert_array_equal(be.to_host(weight.grad), expected)


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4, 2, 1), ()])
def test_tanh_value_and_gradient(be, rng, shape):
    x = normal(rng, shape)
    np.testing.assert_allclose(value(be, ops.tanh, x), 1 - 2 / (np.exp(2 * x) + 1), rtol=1e-12, atol=1e-15)
    gradcheck(ops.tanh, be.asarray(x))


def test_tanh_of_large_entries_saturates_with_zero_gradient(be):
    y, (gradient,) = run(be, ops.tanh, np.array([-1e3, 1e3]))
    np.testing.assert_array_equal(y, [-1, 1])
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("op", [ops.relu, ops.leaky_relu, ops.tanh])
def test_nan_is_not_hidden(be, op):
    assert np.isnan(value(be, op, np.array([np.nan, 1.0])))[0]


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "tanh"])
@pytest.mark.parametrize("dtype", ["complex128", "int64"])
def test_what_is_not_real_is_refused(be, name, dtype):
    with pytest.raises(ValueError, match=f"^{name}: expected a real tensor, got {dtype}"):
        getattr(ops, name)(Tensor(be.xp.ones(2, dtype)))


@pytest.mark.parametrize("op", [ops.relu, ops.leaky_relu, ops.tanh])
@pytest.mark.parametrize("shape", [(), (3, 2)])
def test_single_precision_is_kept_whatever_the_shape(be, rng, op, shape):
    y, (gx,) = run(be, op, np.asarray(normal(rng, shape), np.float32))
    assert y.dtype == gx.dtype == np.float32 and y.shape == gx.shape == shape


@pytest.mark.parametrize("op", [ops.relu, ops.leaky_relu, ops.tanh])
@pytest.mark.parametrize("shape", [(0,), (4, 5, 0, 3)])
def test_an_empty_batch_gives_empty_maps_and_gradients(be, op, shape):
    y, (gx,) = run(be, op, np.zeros(shape))
    assert y.shape == gx.shape == shape


@pytest.mark.parametrize("op", [ops.relu, ops.leaky_relu, ops.tanh])
def test_the_host_does_not_wait_for_the_device(rng, op):
    x = Tensor(STRICT.asarray(normal(rng, (4, 5))), requires_grad=True)
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = op(x)
        tape.backward(y, STRICT.xp.ones(y.shape))
    assert waits() == 0
