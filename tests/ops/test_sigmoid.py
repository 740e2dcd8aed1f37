"""sigmoid: values at both ends, gradient, and what is refused."""

import numpy as np
import pytest
from scipy import special

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, value


def test_value_and_gradient(be, rng):
    x = 3 * normal(rng, (3, 4))
    np.testing.assert_allclose(value(be, ops.sigmoid, x), special.expit(x), rtol=1e-14)
    gradcheck(ops.sigmoid, be.asarray(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_it_neither_overflows_nor_loses_small_values(be, dtype):
    x = np.array([-1000, -50, 0, 50, 1000], dtype)
    np.testing.assert_allclose(value(be, ops.sigmoid, x), special.expit(x), rtol=1e-6)


def test_complex_numbers_are_refused(be):
    with pytest.raises(ValueError, match=r"^sigmoid: expected real numbers, got complex64$"):
        ops.sigmoid(Tensor(be.xp.ones(2, "complex64")))
