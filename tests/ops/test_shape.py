"""reshape, transpose and concatenate: values, exact gradients, metadata of spectra, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, spectrum_tensor, value


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


