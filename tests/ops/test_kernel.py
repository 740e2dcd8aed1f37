"""The spectrum of a kernel and its adjoint: against sums written out, for kernels 1 to 11 on odd and even grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.ops import _kernel
from tests.kit.oracles import dft2
from tests.ops.common import normal

GRIDS = [(11, 12), (12, 13), (16, 11)]


def spectrum_of(be, weight, grid):
    """K (P * Q, c_in, c_out) as a NumPy array."""
    E = _kernel.matrix(be, grid, weight.shape[-1], weight.dtype)
    K = be.to_host(_kernel.spectrum_of(be.xp, E, be.asarray(weight)))
    assert K.shape[:2] == (grid[0], grid[1] // 2 + 1)
    return K.reshape(-1, *K.shape[2:])


def adjoint(be, gK, k, grid):
    """gk of gK (P * Q, c_in, c_out), as a NumPy array."""
    E = _kernel.matrix(be, grid, k, gK.real.dtype)
    gK = be.asarray(gK.reshape(grid[0], grid[1] // 2 + 1, *gK.shape[1:]))
    return be.to_host(_kernel.adjoint(be.xp, E, gK))


def naive(weight, grid):
    """K[p, q] = sum over i, j of exp(2 pi i (p (i - c) / P + q (j - c) / W)) k[i, j]."""
    c_out, c_in, k, _ = weight.shape
    (P, W), c = grid, (k - 1) // 2
    p, q = np.arange(P)[:, None, None, None], np.arange(W // 2 + 1)[None, :, None, None]
    K = np.zeros((P, W // 2 + 1, c_in, c_out), complex)
    for i in range(k):
        for j in range(k):
            K += np.exp(2j * np.pi * (p * (i - c) / P + q * (j - c) / W)) * weight[:, :, i, j].T
    return K.reshape(-1, c_in, c_out)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("k", range(1, 12))
def test_spectrum_is_the_centred_sum(be, rng, k, grid):
    weight = normal(rng, (2, 3, k, k))
    K = spectrum_of(be, weight, grid)
    np.testing.assert_allclose(K, naive(weight, grid), rtol=0, atol=1e-11)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("k", range(1, 12))
def test_adjoint_is_the_part_of_the_inverse_transform_under_the_kernel(be, rng, k, grid):
    gK = normal(rng, (grid[0] * (grid[1] // 2 + 1), 3, 2), np.complex128)
    gk = adjoint(be, gK, k, grid)
    assert gk.shape == (2, 3, k, k)
    unit = np.zeros((1, 1, k, k))
    for i, j in {(0, 0), (k // 2, k - 1), (k - 1, k - 1)}:
        unit[...] = 0
        unit[0, 0, i, j] = 1
        expected = np.sum(naive(unit, grid).conj() * gK, axis=0).real.T  # Re(E^H gK), one column of E
        np.testing.assert_allclose(gk[:, :, i, j], expected, rtol=0, atol=1e-11)


@given(k=st.integers(1, 5), P=st.integers(5, 9), W=st.integers(5, 9), c_in=st.integers(1, 3), c_out=st.integers(1, 3))
def test_adjoint_has_the_same_inner_product(be, k, P, W, c_in, c_out):
    rng = np.random.default_rng(k)
    weight = normal(rng, (c_out, c_in, k, k))
    gK = normal(rng, (P * (W // 2 + 1), c_in, c_out), np.complex128)
    K = spectrum_of(be, weight, (P, W))
    gk = adjoint(be, gK, k, (P, W))
    assert np.sum(gK.conj() * K).real == pytest.approx(np.sum(weight * gk), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_spectrum_is_the_conjugate_of_the_shifted_kernel_s_transform(be, rng, k):
    weight, grid, c = normal(rng, (2, 3, k, k)), (8, 9), (k - 1) // 2
    placed = np.zeros((*grid, 3, 2))
    placed[:k, :k] = weight.transpose(2, 3, 1, 0)
    placed = np.roll(placed, (-c, -c), axis=(0, 1))
    K = spectrum_of(be, weight, grid)
    np.testing.assert_allclose(K, dft2(placed, grid, "backward").conj().reshape(-1, 3, 2), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", [[0], [3, 4, 17], []])
def test_a_subset_of_the_frequencies(be, rng, rows):
    weight, grid = normal(rng, (2, 3, 5, 5)), (6, 7)
    E = _kernel.matrix(be, grid, 5, weight.dtype).reshape(2, 24, 25)[:, be.asarray(np.array(rows, int))]
    K = be.to_host(_kernel.spectrum_of(be.xp, E, be.asarray(weight)))
    np.testing.assert_allclose(K, naive(weight, grid)[rows], rtol=0, atol=1e-12)
    gK = np.zeros((24, 3, 2), complex)
    gK[rows] = normal(rng, (len(rows), 3, 2), np.complex128)
    some = be.to_host(_kernel.adjoint(be.xp, E, be.asarray(gK[rows])))
    np.testing.assert_allclose(some, adjoint(be, gK, 5, grid), rtol=0, atol=1e-12)


def test_the_matrix_is_made_once_for_a_grid(be):
    assert _kernel.matrix(be, (6, 7), 5, np.dtype("f")) is _kernel.matrix(be, (6, 7), 5, np.dtype("f"))


def test_precision_is_kept(be, rng):
    K = spectrum_of(be, normal(rng, (2, 3, 5, 5), np.float32), (6, 7))
    assert K.dtype == np.complex64 and adjoint(be, K, 5, (6, 7)).dtype == np.float32
