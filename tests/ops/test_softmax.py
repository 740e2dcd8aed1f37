"""softmax and log_softmax: sums, large numbers, axes, and what is refused."""

import numpy as np
import pytest
from scipy import special

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, value

BOTH = [(ops.softmax, special.softmax), (ops.log_softmax, special.log_softmax)]


@pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
@pytest.mark.parametrize(("op", "reference"), BOTH)
def test_value_and_gradient(be, rng, op, reference, axis):
    x = normal(rng, (2, 3, 4))
    np.testing.assert_allclose(value(be, lambda x: op(x, axis), x), reference(x, axis=axis), rtol=1e-13)
    gradcheck(lambda x: op(x, axis), be.asarray(x))


def test_large_numbers_do_not_overflow_and_small_ones_keep_their_logarithm(be):
    x = np.array([[1000.0, 0.0], [-1000.0, -1000.0]])
    np.testing.assert_array_equal(value(be, ops.softmax, x), [[1, 0], [0.5, 0.5]])
    np.testing.assert_allclose(value(be, ops.log_softmax, x), [[0, -1000], [-np.log(2)] * 2], rtol=1e-15)


@pytest.mark.parametrize("op", [ops.softmax, ops.log_softmax])
def test_nothing_stays_nothing_and_integers_become_float64(be, op):
    for shape in ((0, 3), (3, 0)):
        assert value(be, op, np.ones(shape)).shape == shape
    assert op(Tensor(be.asarray(np.array([1, 2])))).dtype == np.float64


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_complex_numbers_and_axes_that_are_not_there_are_refused(be, name):
    with pytest.raises(ValueError, match=f"^{name}: expected real numbers, got complex128$"):
        getattr(ops, name)(Tensor(be.xp.ones(2, complex)))
    with pytest.raises(ValueError, match=f"^{name}: axis -1 is not among the 0 axes"):
        getattr(ops, name)(Tensor(be.xp.ones(())))
