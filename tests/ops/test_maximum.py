"""maximum and minimum: ties, NaN, numbers and arrays on one side, bits."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, value

BOTH = [("maximum", np.maximum), ("minimum", np.minimum)]


@pytest.mark.parametrize(("name", "reference"), BOTH)
def test_value_and_gradient(be, rng, name, reference):
    a, b = normal(rng, (2, 1, 4)), normal(rng, (3, 1))
    np.testing.assert_array_equal(value(be, getattr(ops, name), a, b), reference(a, b))
    gradcheck(getattr(ops, name), be.asarray(a), be.asarray(b))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_equal_entries_get_half_each_and_nan_passes_to_both(be, name):
    a, b = np.array([1.0, np.nan, 1.0, np.nan]), np.array([1.0, 1.0, np.nan, np.nan])
    y, gradients = run(be, getattr(ops, name), a, b, gy=np.full(4, 4.0))
    np.testing.assert_array_equal(y, [1, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(gradients, [[2, 4, 4, 4], [2, 4, 4, 4]])


def test_a_number_or_an_array_on_one_side_is_a_constant(be):
    x = np.array([-1.0, 0.0, 2.0], np.float32)
    for fn in (
        lambda x: ops.maximum(x, 0),
        lambda x: ops.maximum(0.0, x),
        lambda x: ops.maximum(x, be.xp.zeros(3, "f")),
    ):
        y, (gradient,) = run(be, fn, x)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, [0, 0, 2])
        np.testing.assert_array_equal(gradient, [0, 0.5, 1])


def test_two_bits_an_entry_are_kept(be):
    with Tape() as tape:
        ops.maximum(Tensor(be.xp.ones(800), requires_grad=True), 0)
    assert tape.ledger.nbytes == 200


def test_complex_numbers_are_refused(be):
    with pytest.raises(ValueError, match=r"^minimum: complex numbers have no order, got float64 and complex128$"):
        ops.minimum(Tensor(be.xp.ones(2)), Tensor(be.xp.ones(2, complex)))
