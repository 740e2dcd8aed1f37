"""Transforms of maps: orthonormal for every size, so that energy is kept and the inverse is the adjoint."""

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from specframe.backend import to_host
from specframe.memory.transforms import TRANSFORMS, dct_matrix, haar_matrix

LENGTHS = [*range(1, 10), 16, 19, 32, 35]
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}


def normal(shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def energy(array):
    return float(np.sum(np.abs(to_host(array).astype(np.complex128)) ** 2))


# ---- matrices --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("matrix", [dct_matrix, haar_matrix])
def test_matrices_are_orthonormal_and_begin_with_the_mean(matrix, n):
    rows = matrix(n)
    np.testing.assert_allclose(rows @ rows.T, np.eye(n), atol=1e-14)
    if matrix is dct_matrix or n & (n - 1) == 0:  # the odd sample out weighs more in the low band of haar
        np.testing.assert_allclose(rows[0], 1 / np.sqrt(n))


@pytest.mark.parametrize("n", LENGTHS)
def test_dct_is_that_of_scipy(n):
    x = normal(n)
    np.testing.assert_allclose(dct_matrix(n) @ x, scipy.fft.dct(x, norm="ortho"), atol=1e-13)


def test_haar_by_hand():
    r, h = 1 / np.sqrt(2), 1 / 2
    np.testing.assert_allclose(haar_matrix(4), [[h, h, h, h], [h, h, -h, -h], [r, -r, 0, 0], [0, 0, r, -r]])
    np.testing.assert_allclose(haar_matrix(3), [[h, h, r], [h, h, -r], [r, -r, 0]])  # the third sample has no partner


@pytest.mark.parametrize("n", [2, 3, 8, 19])
def test_haar_details_do_not_see_a_constant_within_their_pair(n):
    pairs = n // 2
    x = np.repeat(normal(n - pairs), 2)[:n]
    np.testing.assert_allclose((haar_matrix(n) @ x)[n - pairs :], 0, atol=1e-14)


# ---- maps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rows", LENGTHS)
def test_transforms_keep_the_energy_and_invert(be, name, dtype, rows):
    for cols in (rows, 2, 5, 16):
        x = normal((rows, cols, 2, 3), dtype)
        y = TRANSFORMS[name].forward(be.asarray(x))
        back = TRANSFORMS[name].inverse(y, x.shape)
        assert back.dtype == dtype and y.real.dtype == dtype and back.shape == x.shape
        assert energy(y) == pytest.approx(energy(x), rel=10 * TOLERANCE[dtype])
        np.testing.assert_allclose(to_host(back), x, atol=5 * TOLERANCE[dtype])


@pytest.mark.parametrize("name", TRANSFORMS)
@given(rows=st.integers(1, 12), cols=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_inverse_is_the_adjoint(be, name, rows, cols, seed):
    """<T x, y> = <x, T^-1 y> for coefficients y of a map: lengths and angles are those in space."""
    x, z = normal((2, rows, cols, 2, 1), seed=seed)
    y = TRANSFORMS[name].forward(be.asarray(z))
    left = np.sum((np.conj(to_host(TRANSFORMS[name].forward(be.asarray(x)))) * to_host(y)).real)
    right = np.sum(x * to_host(TRANSFORMS[name].inverse(y, x.shape)))
    assert left == pytest.approx(right, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", TRANSFORMS)
@given(rows=st.integers(1, 12), cols=st.integers(1, 12), rate=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_dropped_coefficient_costs_its_square(be, name, rows, cols, rate, seed):
    transform, x = TRANSFORMS[name], normal((rows, cols, 2, 2), seed=seed)
    y = to_host(transform.forward(be.asarray(x)))
    kept = np.random.default_rng(seed).random(y.shape) < rate
    back = to_host(transform.inverse(be.asarray(np.where(kept, y, 0)), x.shape))
    assert energy(x - back) == pytest.approx(energy(y[~kept]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("size", [(r, c) for r in (1, 2, 3, 6, 7) for c in (1, 2, 3, 6, 7)])
def test_count_is_the_number_of_coefficients_that_can_differ_from_zero(be, name, size):
    shape = (*size, 3, 2)
    y = to_host(TRANSFORMS[name].forward(be.asarray(normal(shape))))
    assert np.count_nonzero(y) == TRANSFORMS[name].count(shape)


@pytest.mark.parametrize("size", [(4, 6), (5, 6), (4, 7), (5, 7), (1, 4), (2, 2)])
def test_the_half_spectrum_has_one_of_each_conjugate_pair_with_the_weight_of_both(be, size):
    x = normal((*size, 1, 1))
    full, half = np.fft.fft2(x[..., 0, 0], norm="ortho"), to_host(TRANSFORMS["fft"].forward(be.asarray(x)))[..., 0, 0]
    for p, q in np.ndindex(full.shape):
        mirror = -p % size[0], -q % size[1]
        stands = [half[bin] for bin in {(p, q), mirror} if bin[1] < half.shape[1]]
        weight = 1 if mirror == (p, q) else np.sqrt(2)
        assert max(map(abs, stands)) == pytest.approx(weight * abs(full[p, q]))
        assert np.count_nonzero(stands) == 1


@pytest.mark.parametrize("name", TRANSFORMS)
def test_views_are_transformed_as_they_read(be, name):
    array = be.asarray(normal((12, 6, 4, 3)))
    for view in (array[::2], array.transpose((1, 0, 3, 2)), array[:, 1:5]):
        y = TRANSFORMS[name].forward(view)
        np.testing.assert_allclose(to_host(TRANSFORMS[name].inverse(y, view.shape)), to_host(view), atol=1e-13)
