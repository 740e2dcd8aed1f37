"""relu and tanh: values, conventions at 0 and for NaN, gradients, what they save."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
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


def test_relu_saves_one_bit_an_entry(be):
    with Tape() as tape:
        ops.relu(Tensor(be.xp.ones((64, 3)), requires_grad=True))
    assert tape.ledger.nbytes == 64 * 3 // 8


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4, 2, 1), ()])
def test_tanh_value_and_gradient(be, rng, shape):
    x = normal(rng, shape)
    np.testing.assert_allclose(value(be, ops.tanh, x), 1 - 2 / (np.exp(2 * x) + 1), rtol=1e-12, atol=1e-15)
    gradcheck(ops.tanh, be.asarray(x))


def test_tanh_of_large_entries_saturates_with_zero_gradient(be):
    y, (gradient,) = run(be, ops.tanh, np.array([-1e3, 1e3]))
    np.testing.assert_array_equal(y, [-1, 1])
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("op", [ops.relu, ops.tanh])
def test_nan_is_not_hidden(be, op):
    assert np.isnan(value(be, op, np.array([np.nan, 1.0])))[0]


@pytest.mark.parametrize("name", ["relu", "tanh"])
@pytest.mark.parametrize("dtype", ["complex128", "int64"])
def test_what_is_not_real_is_refused(be, name, dtype):
    with pytest.raises(ValueError, match=f"^{name}: expected a real tensor, got {dtype}"):
        getattr(ops, name)(Tensor(be.xp.ones(2, dtype)))
