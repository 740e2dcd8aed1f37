"""pad: widths of every form, the value of the border, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, value

WIDTHS = [0, 2, (1, 2), ((1, 2),), ((0, 1), (2, 0)), np.array([[1, 0], [0, 3]])]


@pytest.mark.parametrize("width", WIDTHS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "complex128", "int64"])
def test_value_and_gradient(be, rng, width, dtype):
    x = normal(rng, (2, 3), dtype)
    np.testing.assert_array_equal(value(be, lambda x: ops.pad(x, width), x), np.pad(x, width))
    np.testing.assert_array_equal(value(be, lambda x: ops.pad(x, width, 7), x), np.pad(x, width, constant_values=7))
    if dtype != "int64":
        gradcheck(lambda x: ops.pad(x, width, 7), be.asarray(x), eps=0.5, rtol=1e-8)


def test_numbers_and_empty_arrays_can_be_padded(be):
    assert ops.pad(Tensor(be.xp.ones(())), 3).shape == ()
    np.testing.assert_array_equal(ops.pad(Tensor(be.xp.ones(0)), (1, 2), 5).numpy(), [5, 5, 5])


def test_padding_saves_nothing(be):
    x = Tensor(be.xp.ones((2, 3)), requires_grad=True)
    with Tape() as tape:
        y = ops.pad(x, 1)
        ops.multiply(y, y)
    assert tape.ledger.nbytes == 0


@pytest.mark.parametrize("width", [-1, (0, -1), 1.5, "wide"])
def test_widths_that_are_no_whole_numbers_are_refused(be, width):
    with pytest.raises(ValueError, match=r"^pad: widths are whole numbers, 0 or more, got "):
        ops.pad(Tensor(be.xp.ones((2, 3))), width)


@pytest.mark.parametrize("width", [(1, 2, 3), ((1, 1),) * 3])
def test_widths_for_another_number_of_axes_are_refused(be, width):
    with pytest.raises(ValueError, match=r"^pad: expected a width, a pair, or 2 pairs for \(2, 3\), got "):
        ops.pad(Tensor(be.xp.ones((2, 3))), width)
