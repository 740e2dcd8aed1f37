"""rfft2 and irfft2: against direct sums in both norms, exact gradients, crop, metadata, contradictions refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from specframe.spectrum import Spectrum, column_weights
from tests.kit.oracles import dft2, idft2
from tests.ops.common import normal, run, spectrum_tensor, value

NORMS = ["ortho", "backward"]
# (rows, cols) on (P, W): the four parities, not square, without padding, one point
SHAPES = [
    ((1, 1), (1, 1)), ((1, 1), (2, 2)), ((3, 4), (4, 6)), ((4, 3), (5, 6)), ((3, 4), (4, 7)), ((5, 2), (7, 5)),
    ((5, 6), (5, 6)), ((4, 7), (4, 7)),
]  # fmt: skip


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "grid"), SHAPES)
def test_rfft2_is_the_sum_and_its_gradient_is_exact(be, rng, size, grid, norm):
    x = normal(rng, (*size, 2, 3))
    X = value(be, lambda x: ops.rfft2(x, grid, norm), x)
    np.testing.assert_allclose(X, dft2(x, grid, norm), rtol=0, atol=1e-12)
    gradcheck(lambda x: ops.rfft2(x, grid, norm), be.asarray(x), linear=True, rtol=1e-8)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "grid"), SHAPES)
def test_irfft2_is_the_sum_also_of_edge_columns_that_are_not_hermitian(be, rng, size, grid, norm):
    """The known trap: two-dimensional inverses of GPU libraries assume Hermitian symmetry on every axis."""
    Z = normal(rng, (grid[0], grid[1] // 2 + 1, 2, 3), np.complex128)
    y = value(be, lambda Z: ops.irfft2(Z, grid, size, norm), Z)
    np.testing.assert_allclose(y, idft2(Z, grid, norm)[: size[0], : size[1]], rtol=0, atol=1e-12)
    gradcheck(lambda Z: ops.irfft2(Z, grid, size, norm), be.asarray(Z), linear=True, rtol=1e-8)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "grid"), SHAPES)
def test_the_backward_of_rfft2_takes_any_cotangent(be, rng, size, grid, norm):
    """gx = irfft2(gX / m): a cotangent has no reason to be Hermitian in the edge columns."""
    x, gX = normal(rng, (*size, 2, 1)), normal(rng, (grid[0], grid[1] // 2 + 1, 2, 1), np.complex128)
    _, (gx,) = run(be, lambda x: ops.rfft2(x, grid, norm), x, gy=gX)
    by_weights = gX / column_weights(grid[1])[:, None, None]
    adjoint = {"ortho": "ortho", "backward": "forward"}[norm]  # the adjoint keeps the factor of its forward
    np.testing.assert_allclose(gx, idft2(by_weights, grid, adjoint)[: size[0], : size[1]], rtol=0, atol=1e-11)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "grid"), SHAPES)
def test_the_backward_of_irfft2_is_the_weighted_transform(be, rng, size, grid, norm):
    Z, gy = normal(rng, (grid[0], grid[1] // 2 + 1, 2, 1), np.complex128), normal(rng, (*size, 2, 1))
    _, (gZ,) = run(be, lambda Z: ops.irfft2(Z, grid, size, norm), Z, gy=gy)
    adjoint = {"ortho": "ortho", "backward": "forward"}[norm]
    expected = column_weights(grid[1])[:, None, None] * dft2(gy, grid, adjoint)
    np.testing.assert_allclose(gZ, expected, rtol=0, atol=1e-12)


@given(
    rows=st.integers(1, 7), cols=st.integers(1, 7), below=st.integers(0, 3), right=st.integers(0, 3),
    batch=st.integers(1, 3), channels=st.integers(1, 2), norm=st.sampled_from(NORMS),
)  # fmt: skip
def test_there_and_back_gives_the_map_and_parseval_holds(be, rows, cols, below, right, batch, channels, norm):
    x, grid = normal(np.random.default_rng(rows), (rows, cols, batch, channels)), (rows + below, cols + right)
    X = ops.rfft2(Tensor(be.asarray(x)), grid, norm)
    np.testing.assert_allclose(ops.irfft2(X).numpy(), x, rtol=0, atol=1e-13)
    energy = np.sum(column_weights(grid[1])[:, None, None] * abs(X.numpy()) ** 2)
    assert energy / (1 if norm == "ortho" else grid[0] * grid[1]) == pytest.approx(np.sum(x**2), rel=1e-12)


@pytest.mark.parametrize("grid", [(74, 75), (75, 3)])
def test_large_grids(be, rng, grid):
    x = normal(rng, (grid[0] - 2, grid[1] - 1, 1, 1))
    X = ops.rfft2(Tensor(be.asarray(x)), grid)
    np.testing.assert_allclose(ops.irfft2(X).numpy(), x, rtol=0, atol=1e-13)
    gradcheck(lambda x: ops.rfft2(x, grid), be.asarray(x), linear=True, rtol=1e-8)
    gradcheck(lambda Z: ops.irfft2(Z, grid), X.data, linear=True, rtol=1e-8)


def test_a_cotangent_that_is_zero_at_most_or_all_frequencies(be, rng):
    x, gX = normal(rng, (4, 5, 2, 1)), np.zeros((6, 4, 2, 1), complex)
    _, (gx,) = run(be, lambda x: ops.rfft2(x, (6, 7)), x, gy=gX)
    assert gx.shape == x.shape and not gx.any()
    gX[1, 2, 0], gX[4, 0, 1] = 1 - 2j, 3j
    _, (gx,) = run(be, lambda x: ops.rfft2(x, (6, 7)), x, gy=gX)
    expected = idft2(gX / column_weights(7)[:, None, None], (6, 7))[:4, :5]
    np.testing.assert_allclose(gx, expected, rtol=0, atol=1e-14)


# ---- what a spectrum carries -----------------------------------------------------------------------------------


def test_rfft2_says_where_its_spectrum_came_from(be):
    X = ops.rfft2(Tensor(be.xp.ones((3, 4, 2, 1))), [5, 7], "backward")
    assert X.spectrum == Spectrum((5, 7), (3, 4), "backward", None)


@pytest.mark.parametrize("norm", NORMS)
def test_irfft2_needs_no_repetition_and_accepts_what_agrees(be, rng, norm):
    x = normal(rng, (3, 4, 2, 1))
    X = ops.rfft2(Tensor(be.asarray(x)), (5, 7), norm)
    for y in (ops.irfft2(X), ops.irfft2(X, (5, 7), (3, 4), norm), ops.irfft2(X, grid=[5, 7])):
        np.testing.assert_allclose(y.numpy(), x, rtol=0, atol=1e-14)


def test_irfft2_crops_to_another_size_when_asked_and_gives_the_whole_grid_to_a_bare_tensor(be, rng):
    x = normal(rng, (3, 4, 2, 1))
    X = ops.rfft2(Tensor(be.asarray(x)), (5, 7))
    np.testing.assert_allclose(ops.irfft2(X, size=(2, 3)).numpy(), x[:2, :3], rtol=0, atol=1e-14)
    whole = ops.irfft2(Tensor(X.data), grid=(5, 7)).numpy()
    np.testing.assert_allclose(whole, np.pad(x, ((0, 2), (0, 3), (0, 0), (0, 0))), rtol=0, atol=1e-14)


def test_irfft2_with_active_frequencies_gives_the_same_map(be, rng):
    active = rng.random((6, 4)) < 0.4
    Z = normal(rng, (6, 4, 2, 1), np.complex128) * active[:, :, None, None]
    y = ops.irfft2(spectrum_tensor(be, Z, (6, 7), (5, 5), active=active)).numpy()
    np.testing.assert_allclose(y, idft2(Z, (6, 7))[:5, :5], rtol=0, atol=1e-13)


def test_neither_saves_anything_of_its_own(be):
    x = Tensor(be.xp.ones((4, 4, 2, 1)), requires_grad=True)
    with Tape("dense") as tape:
        ops.irfft2(ops.rfft2(x, (5, 5)))
    assert tape.ledger.nbytes == 0


# ---- what is refused -------------------------------------------------------------------------------------------


def test_rfft2_of_what_is_no_batch_of_real_maps_is_refused(be):
    for shape, dtype in (((3, 4, 2), "float64"), ((3, 4, 2, 1), "complex128"), ((3, 4, 2, 1), "int64")):
        with pytest.raises(ValueError, match=rf"^rfft2: expected real maps \(rows, cols, .*\), got .* {dtype}$"):
            ops.rfft2(Tensor(be.xp.ones(shape, dtype)), (4, 4))


def test_rfft2_on_a_grid_that_cannot_hold_the_map_is_refused(be):
    x = Tensor(be.xp.ones((3, 4, 2, 1)))
    with pytest.raises(ValueError, match=r"^rfft2: a grid of \(2, 4\) cannot hold maps of \(3, 4\)$"):
        ops.rfft2(x, (2, 4))
    with pytest.raises(ValueError, match=r"^rfft2: a grid of \(3, 3\) cannot hold maps of \(3, 4\)$"):
        ops.rfft2(x, (3, 3))


@pytest.mark.parametrize("grid", [(7, 7, 7), (7,)])
def test_a_grid_that_is_no_pair_is_refused(be, grid):
    with pytest.raises(ValueError, match=r"^rfft2: .*grid"):
        ops.rfft2(Tensor(be.xp.ones((3, 4, 2, 1))), grid)
    with pytest.raises(ValueError, match=r"^irfft2: .*grid"):
        ops.irfft2(Tensor(be.xp.ones((7, 4, 2, 1), complex)), grid)


def test_an_unknown_norm_is_refused(be):
    with pytest.raises(ValueError, match=r"^rfft2: unknown norm 'forward', expected 'ortho' or 'backward'$"):
        ops.rfft2(Tensor(be.xp.ones((3, 4, 2, 1))), (3, 4), "forward")
    with pytest.raises(ValueError, match=r"^irfft2: unknown norm 'forward', expected 'ortho' or 'backward'$"):
        ops.irfft2(Tensor(be.xp.ones((3, 3, 2, 1), complex)), (3, 4), norm="forward")


def test_irfft2_of_a_bare_tensor_needs_a_grid(be):
    with pytest.raises(ValueError, match=r"^irfft2: expected a spectrum made by rfft2, or a grid=\(P, W\) for"):
        ops.irfft2(Tensor(be.xp.ones((3, 3, 2, 1), complex)))


def test_arguments_that_contradict_the_spectrum_are_refused(be):
    X = ops.rfft2(Tensor(be.xp.ones((3, 4, 2, 1))), (5, 7))
    with pytest.raises(ValueError, match=r"^irfft2: grid \(5, 6\) contradicts the spectrum's own \(5, 7\)$"):
        ops.irfft2(X, grid=(5, 6))
    with pytest.raises(ValueError, match=r"^irfft2: norm backward contradicts the spectrum's own ortho$"):
        ops.irfft2(X, norm="backward")


def test_a_crop_larger_than_the_grid_is_refused(be):
    X = ops.rfft2(Tensor(be.xp.ones((3, 4, 2, 1))), (5, 7))
    for Z, grid in ((X, None), (Tensor(X.data), (5, 7))):
        with pytest.raises(ValueError, match=r"^irfft2: a crop of \(6, 7\) is larger than the grid \(5, 7\)$"):
            ops.irfft2(Z, grid, size=(6, 7))


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((5, 4, 2, 1), "float64"), ((5, 5, 2, 1), "complex128"), ((4, 4, 2, 1), "complex128"), ((5, 4), "complex128")],
)
def test_irfft2_of_what_is_no_half_spectrum_of_its_grid_is_refused(be, shape, dtype):
    with pytest.raises(ValueError, match=rf"^irfft2: expected a complex spectrum of \(5, 4\) x .*, got .* {dtype}$"):
        ops.irfft2(Tensor(be.xp.ones(shape, dtype)), grid=(5, 7))
