"""power: values, gradients, and what is refused."""

import numpy as np
import pytest

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("n", [1, 2, 3, -1, 0.5, 2.5])
def test_power_value_and_gradient(be, rng, n):
    x = np.abs(normal(rng, (3, 4))) + 0.5
    np.testing.assert_allclose(value(be, lambda x: x**n, x), np.power(x, n), rtol=1e-14)
    gradcheck(lambda x: x**n, be.asarray(x))


def test_power_of_complex_numbers(be, rng):
    gradcheck(lambda x: ops.power(x, 3), be.asarray(normal(rng, (3, 4), np.complex128)))


def test_power_one_and_two_have_a_gradient_at_zero(be):
    assert run(be, lambda x: x**1, np.zeros(1))[1][0] == 1 and run(be, lambda x: x**2, np.zeros(1))[1][0] == 0


def test_power_zero_is_constant_even_at_zero(be):
    y, (gradient,) = run(be, lambda x: x**0, np.array([0.0, 2.0]))
    np.testing.assert_array_equal(y, 1)
    np.testing.assert_array_equal(gradient, 0)


def test_a_power_that_is_no_number_is_refused(be):
    x = Tensor(be.xp.ones(2))
    with pytest.raises(TypeError, match=r"^power: the exponent must be a Python number, got Tensor$"):
        ops.power(x, x)


def test_a_power_of_integers_stays_whole_or_is_refused(be):
    x = Tensor(be.asarray(np.array([2, 3])))
    assert (x**2).dtype == np.int64 and (x**2).numpy().tolist() == [4, 9]
    assert (x**0).dtype == np.int64 and (x**0).numpy().tolist() == [1, 1]
    np.testing.assert_array_equal((x**-1.0).numpy(), [1 / 2, 1 / 3])
    with pytest.raises(ValueError, match=r"^power: int64 to the power -1 is no integer; use -1\.0$"):
        x**-1


def test_an_exponent_may_be_a_number_of_numpy(be):
    x = Tensor(be.asarray(np.array([2.0, 3.0], np.float32)))
    for n in (np.int64(2), np.float32(2), np.float64(2)):
        assert (x**n).dtype == np.float32 and (x**n).numpy().tolist() == [4, 9]
