"""transpose: any order of the axes, and what NumPy and PyTorch mean by two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from specframe import Tensor, ops
from tests.ops.common import run, value


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


