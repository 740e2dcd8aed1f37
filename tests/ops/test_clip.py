"""clip: bounds on either side, gradient at the bounds, integers, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from tests.ops.common import run, value

X = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("bounds", "expected", "slope"),
    [
        ((-1, 1), [-1, -1, 0, 1, 1], [0, 1, 1, 1, 0]),
        ((0.5, None), [0.5, 0.5, 0.5, 1, 2], [0, 0, 0, 1, 1]),
        ((None, 0), [-2, -1, 0, 0, 0], [1, 1, 1, 0, 0]),
        ((1, -1), [-1] * 5, [0] * 5),
    ],
)
def test_value_and_gradient_which_passes_at_the_bounds(be, bounds, expected, slope):
    y, (gradient,) = run(be, lambda x: ops.clip(x, *bounds), X)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(gradient, slope)


def test_nan_stays_and_gets_no_gradient(be):
    y, (gradient,) = run(be, lambda x: ops.clip(x, 0, 1), np.array([np.nan, np.inf]))
    np.testing.assert_array_equal(y, [np.nan, 1])
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize(
    ("dtype", "bounds", "expected", "result"),
    [
        ("uint8", (-5, 100), [0, 100, 100], "uint8"),
        ("int64", (1, None), [1, 150, 255], "int64"),
        ("int64", (None, 1.5), [0, 1.5, 1.5], "float64"),
        ("float32", (np.float64(0.5), np.int64(3)), [0.5, 3, 3], "float32"),
    ],
)
def test_bounds_keep_the_dtype_unless_integers_get_a_fraction(be, dtype, bounds, expected, result):
    y = value(be, lambda x: ops.clip(x, *bounds), np.array([0, 150, 255], dtype))
    assert y.dtype == result
    np.testing.assert_array_equal(y, expected)


def test_one_bit_an_entry_is_kept(be):
    with Tape() as tape:
        ops.clip(Tensor(be.xp.ones(800), requires_grad=True), 0, 1)
    assert tape.ledger.nbytes == 100


def test_no_bounds_bounds_that_are_no_numbers_and_complex_numbers_are_refused(be):
    x = Tensor(be.xp.ones(2))
    with pytest.raises(ValueError, match=r"^clip: expected min, max or both$"):
        ops.clip(x)
    with pytest.raises(TypeError, match=r"^clip: expected numbers as bounds, got Tensor; maximum takes tensors$"):
        ops.clip(x, x, 1)
    with pytest.raises(ValueError, match=r"^clip: expected real numbers, got complex128$"):
        ops.clip(Tensor(be.xp.ones(2, complex)), 0, 1)
