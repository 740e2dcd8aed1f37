"""concatenate and stack: values, exact gradients, metadata of spectra, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, spectrum_tensor, value


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


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_stack_value_and_gradient(be, rng, axis):
    parts = [normal(rng, (2, 3)) for _ in range(3)]
    np.testing.assert_array_equal(value(be, lambda *p: ops.stack(p, axis), *parts), np.stack(parts, axis))
    gradcheck(lambda *p: ops.stack(p, axis), *map(be.asarray, parts), linear=True, rtol=1e-8)


def test_stack_of_one_tensor_gives_it_an_axis_and_of_numbers_a_vector(be):
    assert ops.stack([Tensor(be.xp.ones((2, 3)))], 1).shape == (2, 1, 3)
    y, gradients = run(
        be, lambda a, b: ops.stack([a, b, a]), np.array(1.0), np.array(2.0), gy=np.array([1.0, 2.0, 4.0])
    )
    np.testing.assert_array_equal(y, [1, 2, 1])
    np.testing.assert_array_equal(gradients, [5, 2])


def test_stack_of_nothing_of_unlike_parts_or_along_no_axis_is_refused(be):
    one = Tensor(be.xp.ones((2, 3)))
    with pytest.raises(ValueError, match=r"^stack: expected at least one tensor$"):
        ops.stack([])
    for other in (Tensor(be.xp.ones((3, 3))), Tensor(be.xp.ones((2, 3), "float32"))):
        with pytest.raises(ValueError, match=r"^stack: \(\d, 3\) float\d\d is not alike \(2, 3\) float64$"):
            ops.stack([one, other])
    for axis in (3, -4):
        with pytest.raises(ValueError, match=rf"^stack: axis {axis} is not among the 3 axes of the result$"):
            ops.stack([one, one], axis)


def test_parts_may_come_one_by_one_and_a_single_one_is_returned_as_it_is(be):
    one = Tensor(be.xp.ones((2, 3)))
    assert ops.concatenate(part for part in [one, one]).shape == (2, 6)
    assert ops.stack(part for part in [one, one]).shape == (2, 2, 3)
    assert ops.concatenate([one]) is one


def test_an_op_that_saves_the_result_makes_it_again_from_the_parts(be):
    x = Tensor(be.asarray(np.array([1.0, 2.0])), requires_grad=True)
    with Tape(store="dense") as tape:
        h = ops.exp(x)
        y = ops.sum(ops.concatenate([h, h]) * ops.stack([h, h]).reshape(-1))
    assert tape.ledger.nbytes == 16
    tape.backward(y)
    np.testing.assert_allclose(be.to_host(x.grad), 4 * np.exp([2.0, 4.0]), rtol=1e-14)
