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


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_concatenate_value_and_gradient(be, rng, dtype, axis):
    shapes = []
    for n in (1, 3, 2):
        shape = [2, 3, 4]
        shape[axis] = n
        shapes.append(shape)
    parts = [normal(rng, shape, dtype) for shape in shapes]
    joined = value(be, lambda *parts: ops.concatenate(parts, axis), *parts)
    np.testing.assert_array_equal(joined, np.concatenate(parts, axis))
    gradcheck(lambda *parts: ops.concatenate(parts, axis), *map(be.asarray, parts), linear=True, rtol=1e-8)


def test_concatenate_of_one_tensor_with_itself_adds_both_gradients(be):
    _, (gradient,) = run(be, lambda x: ops.concatenate([x, x]), np.ones(2), gy=np.arange(4.0))
    np.testing.assert_array_equal(gradient, [0 + 2, 1 + 3])


def test_concatenate_of_spectra_carries_their_grid_and_goes_back_together(be, rng):
    x, y = normal(rng, (3, 4, 2, 1)), normal(rng, (3, 4, 2, 2))
    joined = ops.concatenate([ops.rfft2(Tensor(be.asarray(a)), (5, 7)) for a in (x, y)])
    assert (joined.spectrum.grid, joined.spectrum.size, joined.spectrum.norm) == ((5, 7), (3, 4), "ortho")
    np.testing.assert_allclose(ops.irfft2(joined).numpy(), np.concatenate([x, y], -1), atol=1e-14)


def test_concatenate_of_spectra_is_active_where_a_part_is(be):
    one, other = np.zeros((4, 3), bool), np.zeros((4, 3), bool)
    one[0, 0] = other[1, 2] = True
    parts = [spectrum_tensor(be, np.zeros((4, 3, 1, 1), complex), (4, 5), active=active) for active in (one, other)]
    np.testing.assert_array_equal(ops.concatenate(parts).spectrum.active, one | other)
    assert one.sum() == other.sum() == 1  # the parts' own are left alone
    unknown = spectrum_tensor(be, np.zeros((4, 3, 1, 1), complex), (4, 5))
    assert ops.concatenate([parts[0], unknown]).spectrum.active is None


def test_rearranging_saves_nothing(be):
    x = Tensor(be.xp.ones((2, 3, 4)), requires_grad=True)
    with Tape() as tape:
        ops.concatenate([ops.reshape(x, (4, 6)), ops.reshape(ops.transpose(x, (1, 0, 2)), (4, 6))])
    assert tape.ledger.nbytes == 0


def test_concatenate_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^concatenate: expected at least one tensor$"):
        ops.concatenate([])


@pytest.mark.parametrize("other", [((3, 3), "float64"), ((2, 3), "float32"), ((2, 3, 1), "float64")])
def test_concatenate_of_parts_that_do_not_continue_each_other_is_refused(be, other):
    parts = [Tensor(be.xp.ones((2, 3))), Tensor(be.xp.ones(*other))]
    with pytest.raises(ValueError, match=r"^concatenate: \(.*\) float.. does not continue \(2, 3\) float64 on axis 1$"):
        ops.concatenate(parts)


@pytest.mark.parametrize("axis", [2, -3])
def test_concatenate_along_an_axis_that_is_not_there_is_refused(be, axis):
    parts = [Tensor(be.xp.ones((2, 3))), Tensor(be.xp.ones((2, 3)))]
    with pytest.raises(ValueError, match=f"^concatenate: axis {axis} "):
        ops.concatenate(parts, axis)


def test_concatenate_of_spectra_that_differ_is_refused(be):
    Z = np.zeros((4, 3, 1, 1), complex)
    first = spectrum_tensor(be, Z, (4, 5))
    for other in (
        spectrum_tensor(be, Z, (4, 4)),
        spectrum_tensor(be, Z, (4, 5), size=(3, 3)),
        spectrum_tensor(be, Z, (4, 5), norm="backward"),
    ):
        with pytest.raises(ValueError, match=r"^concatenate: the spectra differ in grid, size or norm$"):
            ops.concatenate([first, other])
    with pytest.raises(ValueError, match=r"^concatenate: some of the tensors are spectra and some are not$"):
        ops.concatenate([first, Tensor(be.asarray(Z))])
