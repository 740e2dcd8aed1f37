"""sum and mean: values along axes, exact gradients, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (), (-1, 0)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_sum_and_mean_along_axes(be, rng, dtype, axis):
    x = normal(rng, (2, 3, 4), dtype)
    for op, reference in ((ops.sum, np.sum), (ops.mean, np.mean)):
        np.testing.assert_allclose(value(be, lambda x, op=op: op(x, axis), x), reference(x, axis=axis), rtol=1e-13)
        gradcheck(lambda x, op=op: op(x, axis), be.asarray(x), linear=True, rtol=1e-8)


@given(shape=hnp.array_shapes(min_dims=1, max_dims=4, max_side=4), data=st.data())
def test_sum_and_mean_are_repeated_by_their_gradients(be, shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    _, (g_sum,) = run(be, lambda x: ops.sum(x, axis), np.zeros(shape))
    _, (g_mean,) = run(be, lambda x: ops.mean(x, axis), np.zeros(shape))
    np.testing.assert_array_equal(g_sum, np.ones(shape))
    np.testing.assert_allclose(g_mean, np.full(shape, 1 / shape[axis]), rtol=1e-15)


def test_an_axis_that_is_not_there_is_refused(be):
    x = Tensor(be.xp.ones((2, 3)))
    with pytest.raises(ValueError, match=r"^sum: axis 2 is not among the 2 axes of \(2, 3\)$"):
        ops.sum(x, 2)
    with pytest.raises(ValueError, match=r"^mean: axis -3 is not among the 2 axes"):
        ops.mean(x, -3)


def test_the_mean_of_nothing_is_refused(be):
    with pytest.raises(ValueError, match=r"^mean: no entries along axis 0 of \(0, 3\)$"):
        ops.mean(Tensor(be.xp.ones((0, 3))), 0)


def test_keepdims_leaves_the_axes_with_length_one(be, rng):
    x = normal(rng, (2, 3, 4))
    for op, reference in ((ops.sum, np.sum), (ops.mean, np.mean)):
        for axis in (None, 1, (0, -1)):
            y = value(be, lambda x, op=op, axis=axis: op(x, axis, keepdims=True), x)
            np.testing.assert_allclose(y, reference(x, axis=axis, keepdims=True), rtol=1e-13)
            gradcheck(lambda x, op=op, axis=axis: op(x, axis, keepdims=True), be.asarray(x), linear=True, rtol=1e-8)


def test_an_axis_may_be_a_number_of_numpy(be):
    assert ops.sum(Tensor(be.xp.ones((2, 3))), np.int64(1)).shape == (2,)


@pytest.mark.parametrize(
    ("axis", "error", "message"),
    [
        ((0, 0), ValueError, r"^sum: axis \(0, 0\) names one of the 2 axes twice$"),
        ((0, -2), ValueError, r"^sum: axis \(0, -2\) names one of the 2 axes twice$"),
        (1.0, TypeError, r"^sum: expected an axis, several or None, got 1\.0$"),
        ("rows", TypeError, r"^sum: expected an axis, several or None, got 'rows'$"),
    ],
)
def test_an_axis_twice_or_of_another_kind_is_refused(be, axis, error, message):
    with pytest.raises(error, match=message):
        ops.sum(Tensor(be.xp.ones((2, 3))), axis)


def test_the_sum_of_nothing_is_zero_and_has_an_empty_gradient(be):
    y, (gradient,) = run(be, ops.sum, np.ones((0, 3)))
    assert y == 0 and gradient.shape == (0, 3)
