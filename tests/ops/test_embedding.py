"""embedding: rows by number, gradients that add up, and what is refused."""

import numpy as np
import pytest

from specframe import Tensor, gradcheck, ops
from tests.kit.strict import STRICT
from tests.ops.common import normal, run

WEIGHT = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize("indices", [[1, 1, 0], [[0, 3], [3, 3]], np.zeros((2, 0), int)], ids=str)
def test_value_and_gradient(be, rng, indices):
    indices = np.asarray(indices)
    y, (gradient,) = run(be, lambda w: ops.embedding(be.asarray(indices), w), WEIGHT)
    np.testing.assert_array_equal(y, WEIGHT[indices])
    np.testing.assert_array_equal(gradient, np.bincount(indices.reshape(-1), minlength=4)[:, None] * np.ones(2))


def test_complex_rows_have_gradients_too(be, rng):
    weight = be.asarray(normal(rng, (4, 3), complex))
    gradcheck(lambda w: ops.embedding([[2, 2], [0, 1]], w), weight, linear=True, rtol=1e-8)


def test_indices_may_be_numbers_lists_small_integers_and_tensors(be):
    weight = Tensor(be.asarray(np.repeat(WEIGHT, 100, axis=1)), requires_grad=True)
    for indices in (3, [3], be.asarray(np.array([3], np.uint8)), Tensor(be.asarray(np.array([3])))):
        _, (gradient,) = run(be, lambda w, i=indices: ops.embedding(i, w), weight.numpy())
        np.testing.assert_array_equal(gradient, [[0], [0], [0], [1]] * np.ones(200))


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, 4], r"^embedding: indices must lie in 0 \.\. 3, got 4$"),
        ([2, -1], r"^embedding: indices must lie in 0 \.\. 3, got -1$"),
        ([0.5], r"^embedding: indices must be integers, got float64$"),
    ],
)
def test_indices_out_of_range_or_with_a_fraction_are_refused(be, indices, message):
    with pytest.raises(ValueError, match=message):
        ops.embedding(be.asarray(np.array(indices)), Tensor(be.asarray(WEIGHT)))


def test_indices_on_another_device_are_refused():
    with pytest.raises(TypeError, match=r"^embedding: got arrays on two devices \(strict and cpu\)"):
        ops.embedding(np.array([0]), Tensor(STRICT.asarray(WEIGHT)))


def test_a_weight_of_another_number_of_axes_is_refused(be):
    with pytest.raises(ValueError, match=r"^embedding: expected a weight \(rows, features\), got \(4,\)$"):
        ops.embedding([0], Tensor(be.xp.ones(4)))
