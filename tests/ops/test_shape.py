"""reshape, flatten and squeeze: values, exact gradients, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("shape", [(24,), (4, 6), (-1, 3), (2, -1, 2), (1, 24)])
def test_reshape_value_and_gradient(be, rng, shape):
    x = normal(rng, (2, 3, 4), np.complex128)
    np.testing.assert_array_equal(value(be, lambda x: ops.reshape(x, shape), x), x.reshape(shape))
    gradcheck(lambda x: ops.reshape(x, shape), be.asarray(x), linear=True, rtol=1e-8)


@pytest.mark.parametrize("shape", [(5, 5), (-1, 5), (-1, -1), (24, 0)])
def test_reshape_to_another_number_of_entries_is_refused(be, shape):
    with pytest.raises(ValueError, match=r"^reshape: cannot arrange \(2, 3, 4\) as \("):
        ops.reshape(Tensor(be.xp.ones((2, 3, 4))), shape)


def test_rearranging_saves_nothing(be):
    x = Tensor(be.xp.ones((2, 3, 4)), requires_grad=True)
    with Tape() as tape:
        ops.concatenate([ops.reshape(x, (4, 6)), ops.reshape(ops.transpose(x, (1, 0, 2)), (4, 6))])
    assert tape.ledger.nbytes == 0


def test_a_shape_may_be_numbers_or_one_tuple_or_list_of_them(be):
    x = Tensor(be.xp.ones((2, 3, 4)))
    for shape in ((3, -1), ((3, -1),), ([3, -1],), (np.int64(3), 8)):
        assert ops.reshape(x, *shape).shape == (3, 8)
    assert ops.reshape(x[:1, :1, :1], ()).shape == ops.reshape(x[0, 0, :1]).shape == ()
    with pytest.raises(TypeError, match=r"^reshape: expected whole numbers, got \(2\.0, 12\)$"):
        ops.reshape(x, 2.0, 12)


def test_flatten_joins_axes(be, rng):
    x = normal(rng, (2, 3, 4))
    for arguments, shape in [((), (24,)), ((1,), (2, 12)), ((0, 1), (6, 4)), ((1, 1), (2, 3, 4)), ((-2,), (2, 12))]:
        y, (gradient,) = run(be, lambda x, a=arguments: ops.flatten(x, *a), x, gy=x.reshape(shape))
        np.testing.assert_array_equal(y, x.reshape(shape))
        np.testing.assert_array_equal(gradient, x)
    assert ops.flatten(Tensor(be.xp.ones(()))).shape == (1,) and ops.flatten(Tensor(be.xp.ones((0, 3)))).shape == (0,)
    with pytest.raises(ValueError, match=r"^flatten: axis 0 comes before axis 2 of \(2, 3, 4\)$"):
        ops.flatten(Tensor(be.asarray(x)), 2, 0)
    with pytest.raises(ValueError, match=r"^flatten: axis 3 is not among the 3 axes"):
        ops.flatten(Tensor(be.asarray(x)), 3)


def test_squeeze_takes_axes_of_length_one_away(be):
    x = Tensor(be.xp.ones((1, 3, 1, 2)))
    for axis, shape in [(None, (3, 2)), (0, (3, 1, 2)), (-2, (1, 3, 2)), ((0, 2), (3, 2)), ((), (1, 3, 1, 2))]:
        assert ops.squeeze(x, axis).shape == shape
    with pytest.raises(ValueError, match=r"^squeeze: axis 1 of \(1, 3, 1, 2\) is not of length 1$"):
        ops.squeeze(x, 1)


def test_an_op_that_saves_the_result_makes_it_again_from_the_source(be):
    x = Tensor(be.asarray(np.arange(6.0)), requires_grad=True)
    with Tape(store="dense") as tape:
        h = ops.exp(x)
        y = ops.sum(ops.reshape(h, 2, 3) * ops.reshape(h, 2, 3))
    assert tape.ledger.nbytes == 48
    tape.backward(y)
    np.testing.assert_allclose(be.to_host(x.grad), 2 * np.exp(2 * np.arange(6.0)), rtol=1e-14)


@pytest.mark.parametrize("shape", [(0, -1), (-1, 7)])
def test_nothing_to_divide_by_is_refused(be, shape):
    with pytest.raises(ValueError, match=r"^reshape: cannot arrange \(\d, 3\) as "):
        ops.reshape(Tensor(be.xp.ones((0 if 0 in shape else 2, 3))), shape)
