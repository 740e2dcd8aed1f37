"""max, min and argmax: ties, NaN, empty axes, bits, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import run, value


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("name", ["max", "min"])
def test_value_and_gradient(be, rng, name, axis, keepdims):
    x = rng.permutation(24).reshape(2, 3, 4) * 1.0

    def op(x):
        return getattr(ops, name)(x, axis, keepdims)

    np.testing.assert_array_equal(value(be, op, x), getattr(np, name)(x, axis=axis, keepdims=keepdims))
    gradcheck(op, be.asarray(x))


def test_ties_share_the_gradient(be):
    _, (gradient,) = run(
        be, lambda x: ops.max(x, 1), np.array([[1.0, 1.0, 0.0], [2.0, 3.0, 1.0]]), gy=np.array([6.0, 5.0])
    )
    np.testing.assert_array_equal(gradient, [[3, 3, 0], [0, 5, 0]])
    _, (gradient,) = run(be, ops.min, np.array([[1.0, 1.0], [1.0, 3.0]]), gy=np.array(6.0))
    np.testing.assert_array_equal(gradient, [[2, 2], [2, 0]])


def test_where_the_result_is_nan_the_nans_get_the_gradient(be):
    y, (gradient,) = run(be, lambda x: ops.max(x, 1), np.array([[1.0, np.nan, np.nan], [2.0, np.inf, 0.0]]))
    np.testing.assert_array_equal(y, [np.nan, np.inf])
    np.testing.assert_array_equal(gradient, [[0, 0.5, 0.5], [0, 1, 0]])


def test_integers_stay_integers(be):
    y = ops.max(Tensor(be.asarray(np.array([[1, 5], [7, 2]]))), 0)
    assert y.dtype == np.int64 and y.numpy().tolist() == [7, 5]


def test_one_bit_an_entry_is_kept(be):
    with Tape() as tape:
        ops.max(Tensor(be.xp.ones((8, 100)), requires_grad=True), 0)
    assert tape.ledger.nbytes == 100


def test_argmax_is_the_place_of_the_first_of_equals(be):
    x = Tensor(be.asarray(np.array([[1.0, 5.0, 5.0], [7.0, 2.0, 0.0]])), requires_grad=True)
    for axis, keepdims in [(None, False), (0, False), (1, False), (-1, True), (None, True)]:
        y = ops.argmax(x, axis, keepdims)
        assert isinstance(y, Tensor) and not y.requires_grad
        np.testing.assert_array_equal(y.numpy(), np.argmax(x.numpy(), axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("name", ["max", "min", "argmax"])
def test_nothing_and_numbers_without_order_are_refused(be, name):
    with pytest.raises(ValueError, match=rf"^{name}: no entries along axis 1 of \(2, 0\)$"):
        getattr(ops, name)(Tensor(be.xp.ones((2, 0))), 1)
    with pytest.raises(ValueError, match=rf"^{name}: no entries along axis None of \(0,\)$"):
        getattr(ops, name)(Tensor(be.xp.ones(0)))
    with pytest.raises(ValueError, match=rf"^{name}: complex numbers have no order, got complex128$"):
        getattr(ops, name)(Tensor(be.xp.ones(2, complex)))
    with pytest.raises(ValueError, match=rf"^{name}: axis 2 is not among the 2 axes of \(2, 3\)$"):
        getattr(ops, name)(Tensor(be.xp.ones((2, 3))), 2)
    assert getattr(ops, name)(Tensor(be.xp.ones((0, 2))), 1).shape == (0,)
