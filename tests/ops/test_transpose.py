"""transpose: any order of the axes, and what NumPy and PyTorch mean by two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from specframe import Tensor, ops
from tests.ops.common import run


@given(data=st.data())
def test_transpose_value_and_gradient(be, data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    axes = data.draw(st.permutations(range(len(shape))))
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    y, (gradient,) = run(be, lambda x: ops.transpose(x, axes), x, gy=x.transpose(axes))
    np.testing.assert_array_equal(y, x.transpose(axes))
    np.testing.assert_array_equal(gradient, x)


@pytest.mark.parametrize("axes", [(0, 1), (0, 0, 1), (0, 1, 3), (0, 1, -2), (0, 1, -4)])
def test_transpose_by_what_is_no_permutation_is_refused(be, axes):
    with pytest.raises(ValueError, match=r"^transpose: .* is no order of the 3 axes$"):
        ops.transpose(Tensor(be.xp.ones((2, 3, 4))), axes)


def test_without_axes_all_are_reversed_and_one_or_none_stays(be, rng):
    x = Tensor(be.asarray(rng.standard_normal((2, 3, 4))))
    assert ops.transpose(x).shape == x.T.shape == ops.transpose(x, None).shape == (4, 3, 2)
    for small in (Tensor(be.xp.ones(3)), Tensor(be.xp.ones(()))):
        assert small.T.shape == small.shape


@pytest.mark.parametrize("axes", [(2, 0, 1), ((2, 0, 1),), ([2, 0, 1],), (-1, -3, -2)])
def test_axes_may_be_numbers_or_one_tuple_or_list_of_them(be, axes):
    assert ops.transpose(Tensor(be.xp.ones((2, 3, 4))), *axes).shape == (4, 2, 3)


def test_two_axes_of_many_change_places(be):
    x = Tensor(be.xp.ones((2, 3, 4, 5)))
    assert x.transpose(-2, -1).shape == (2, 3, 5, 4) and x.transpose(0, 2).shape == (4, 3, 2, 5)


def test_two_numbers_for_a_matrix_must_mean_one_thing_to_numpy_and_pytorch(be):
    x = Tensor(be.xp.ones((2, 3)))
    assert x.transpose(1, 0).shape == x.transpose(-1, -2).shape == (3, 2) and x.transpose((0, 1)).shape == (2, 3)
    for axes in ((0, 1), (-2, -1)):
        with pytest.raises(ValueError, match=r"^transpose: \(-?\d, -?\d\) of a matrix is x in NumPy and x\.T in PyTor"):
            x.transpose(*axes)


def test_the_result_is_contiguous_for_the_op_that_comes_next(be):
    assert Tensor(be.xp.ones((2, 3))).T.data.flags.c_contiguous
