"""var: values along axes with and without correction, and what is refused."""

import numpy as np
import pytest

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("correction", [0, 1, 0.5])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_value_and_gradient(be, rng, dtype, axis, correction):
    if axis == () and correction:
        return
    x = normal(rng, (2, 3, 4), dtype)
    y = value(be, lambda x: ops.var(x, axis, correction=correction), x)
    np.testing.assert_allclose(y, np.var(x, axis=axis, ddof=correction), rtol=1e-13, atol=1e-15)
    gradcheck(lambda x: ops.var(x, axis, correction=correction), be.asarray(x)) if axis != () else None


def test_exact_value_and_gradient(be):
    y, (gradient,) = run(be, lambda x: ops.var(x, keepdims=True), np.array([[1.0, 3.0], [5.0, 7.0]]))
    np.testing.assert_array_equal(y, [[5]])
    np.testing.assert_array_equal(gradient, [[-1.5, -0.5], [0.5, 1.5]])


def test_a_large_mean_does_not_cancel(be):
    x = (np.array([1.0, 2.0, 3.0]) + 1e4).astype(np.float32)
    np.testing.assert_allclose(value(be, ops.var, x), 2 / 3, rtol=1e-6)


def test_integers_have_a_variance_too(be):
    assert ops.var(Tensor(be.asarray(np.array([1, 3])))).item() == 1.0


def test_too_few_entries_are_refused(be):
    with pytest.raises(ValueError, match=r"^var: 1 entries along axis 0 of \(1, 3\), and a correction of 1$"):
        ops.var(Tensor(be.xp.ones((1, 3))), 0, correction=1)
    with pytest.raises(ValueError, match=r"^var: 0 entries along axis None of \(0,\), and a correction of 0$"):
        ops.var(Tensor(be.xp.ones(0)))
