"""mse_loss: values, both gradients, and shapes that would broadcast by mistake."""

import numpy as np
import pytest

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("dtypes", [("float64", "float64"), ("complex128", "complex128"), ("float64", "complex128")])
def test_value_and_gradients(be, rng, dtypes):
    x, t = (normal(rng, (3, 4), dtype) for dtype in dtypes)
    np.testing.assert_allclose(value(be, ops.mse_loss, x, t), np.mean(np.abs(x - t) ** 2), rtol=1e-14)
    gradcheck(ops.mse_loss, be.asarray(x), be.asarray(t))


def test_exact_value_and_gradients(be):
    y, gradients = run(be, ops.mse_loss, np.array([1.0, 4.0]), np.array([3.0, 4.0]))
    assert y == 2
    np.testing.assert_array_equal(gradients, [[-2, 0], [2, 0]])


def test_the_target_may_be_an_array_or_integers(be):
    x = Tensor(be.asarray(np.array([1.0, 2.0], np.float32)))
    assert ops.mse_loss(x, be.asarray(np.array([1, 4]))).item() == 2.0
    assert ops.mse_loss(x, be.asarray(np.array([1.0, 4.0], np.float32))).dtype == np.float32


def test_shapes_that_differ_and_no_entries_are_refused(be):
    with pytest.raises(ValueError, match=r"^mse_loss: the prediction is \(8, 1\), the target \(8,\); make them alike$"):
        ops.mse_loss(Tensor(be.xp.ones((8, 1))), be.xp.ones(8))
    with pytest.raises(ValueError, match=r"^mse_loss: no entries in \(0, 3\)$"):
        ops.mse_loss(Tensor(be.xp.ones((0, 3))), be.xp.ones((0, 3)))
