"""abs: values, the gradient at zero, and two bits an entry."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_value_and_gradient(be, rng, dtype):
    x = normal(rng, (3, 4), dtype)
    np.testing.assert_allclose(value(be, ops.abs, x), np.abs(x), rtol=1e-15)
    gradcheck(ops.abs, be.asarray(x))


def test_the_gradient_is_the_sign_and_zero_at_zero(be):
    y, (gradient,) = run(be, ops.abs, np.array([-2.0, 0.0, -0.0, 3.0]), gy=np.full(4, 5.0))
    np.testing.assert_array_equal(y, [2, 0, 0, 3])
    np.testing.assert_array_equal(gradient, [-5, 0, 0, 5])


def test_the_gradient_of_a_complex_number_points_away_from_zero(be):
    y, (gradient,) = run(be, ops.abs, np.array([3 - 4j, 0, -2j]))
    np.testing.assert_array_equal(y, [5, 0, 2])
    np.testing.assert_allclose(gradient, [0.6 - 0.8j, 0, -1j])


def test_integers_stay_integers(be):
    y = abs(Tensor(be.asarray(np.array([-3, 2]))))
    assert y.dtype == np.int64 and y.numpy().tolist() == [3, 2]


def test_real_numbers_keep_two_bits_an_entry(be):
    with Tape() as tape:
        ops.abs(Tensor(be.xp.ones(800), requires_grad=True))
    assert tape.ledger.nbytes == 2 * 800 // 8
