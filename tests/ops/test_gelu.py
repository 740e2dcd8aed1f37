"""gelu: the exact form, its limits, and what is refused."""

import numpy as np
import pytest
from scipy import stats

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, value


def test_value_and_gradient(be, rng):
    x = 2 * normal(rng, (3, 4))
    np.testing.assert_allclose(value(be, ops.gelu, x), x * stats.norm.cdf(x), rtol=1e-13)
    gradcheck(ops.gelu, be.asarray(x))


def test_far_out_it_is_relu(be):
    np.testing.assert_array_equal(value(be, ops.gelu, np.array([-50.0, 0.0, 50.0])), [0, 0, 50])


def test_integers_become_float64(be):
    y = value(be, ops.gelu, np.array([-1, 0, 2]))
    np.testing.assert_allclose(y, [-stats.norm.cdf(-1), 0, 2 * stats.norm.cdf(2)])


def test_complex_numbers_are_refused(be):
    with pytest.raises(ValueError, match=r"^gelu: expected real numbers, got complex128$"):
        ops.gelu(Tensor(be.xp.ones(2, complex)))
