"""The products behind rfft2 and irfft2, on plain arrays: against direct sums, and each other's adjoint.

Where `active` names frequencies, analysis is right there and zero elsewhere, and synthesis reads no others.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.fast.cpu import dft
from specframe.spectrum import column_weights
from tests.kit.oracles import dft2
from tests.ops.common import normal

# (rows, cols) on (P, W): odd and even, not square, no padding, one point, lines
SHAPES = [
    ((1, 1), (1, 1)), ((1, 4), (1, 4)), ((5, 1), (5, 1)), ((2, 2), (2, 2)), ((3, 4), (4, 6)), ((4, 3), (5, 7)),
    ((5, 5), (6, 5)), ((3, 2), (7, 8)),
]  # fmt: skip


def wave(grid, size):
    """F[p, q; r, c] = exp(-2 pi i (p r / P + q c / W)), all at once."""
    by_rows = np.outer(np.arange(grid[0]), np.arange(size[0])) / grid[0]
    by_cols = np.outer(np.arange(grid[1] // 2 + 1), np.arange(size[1])) / grid[1]
    return np.exp(-2j * np.pi * (by_rows[:, None, :, None] + by_cols[None, :, None, :]))


def naive_synthesis(X, grid, size, scale, weighted):
    w = column_weights(grid[1]) if weighted else np.ones(grid[1] // 2 + 1)
    return scale * np.einsum("pqrc,pqnk->rcnk", wave(grid, size).conj(), X * w[:, None, None]).real


def masks(grid, rng):
    """Patterns of active frequencies of a half spectrum."""
    P, Q = grid[0], grid[1] // 2 + 1
    p, q = np.arange(P)[:, None], np.arange(Q)[None, :]
    one = np.zeros((P, Q), bool)
    one[P // 2, Q - 1] = True
    return {
        "random": rng.random((P, Q)) < 0.4,
        "few": rng.random((P, Q)) < 0.1,
        "low-pass": (np.minimum(p, P - p) <= P // 4) & (q <= Q // 3),
        "half the rows": (p <= P // 2) & (q >= 0),
        "bin (0, 0)": (p == 0) & (q == 0),
        "the last": one,
        "full": np.ones((P, Q), bool),
        "empty": np.zeros((P, Q), bool),
    }


MASKS = list(masks((4, 4), np.random.default_rng(0)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("size", "grid"), SHAPES)
def test_analysis_is_the_sum(rng, size, grid, weighted):
    x = normal(rng, (*size, 2, 3))
    w = column_weights(grid[1])[:, None, None] if weighted else 1
    X = dft.analysis(x, grid, 0.7, weighted)
    np.testing.assert_allclose(X, 0.7 * w * dft2(x, grid, "backward"), rtol=0, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("size", "grid"), SHAPES)
def test_synthesis_is_the_sum_also_of_edge_columns_that_are_not_hermitian(rng, size, grid, weighted):
    X = normal(rng, (grid[0], grid[1] // 2 + 1, 2, 3), np.complex128)
    x = dft.synthesis(X, grid, size, 0.7, weighted)
    assert x.shape == (*size, 2, 3)
    np.testing.assert_allclose(x, naive_synthesis(X, grid, size, 0.7, weighted), rtol=0, atol=1e-12)


@given(
    rows=st.integers(1, 6), cols=st.integers(1, 6), below=st.integers(0, 4), right=st.integers(0, 4),
    batch=st.integers(1, 2), channels=st.integers(1, 2), weighted=st.booleans(),
)  # fmt: skip
def test_analysis_and_synthesis_are_each_other_s_adjoint(rows, cols, below, right, batch, channels, weighted):
    rng, grid = np.random.default_rng(rows + 7 * cols), (rows + below, cols + right)
    x = normal(rng, (rows, cols, batch, channels))
    X = normal(rng, (grid[0], grid[1] // 2 + 1, batch, channels), np.complex128)
    there = dft.analysis(x, grid, 0.7, weighted)
    back = dft.synthesis(X, grid, (rows, cols), 0.7, weighted)
    assert np.sum(X.conj() * there).real == pytest.approx(np.sum(x * back), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("pattern", MASKS)
def test_analysis_is_right_inside_active(rng, pattern):
    for size, grid in SHAPES:
        active, x = masks(grid, rng)[pattern], normal(rng, (*size, 2, 1))
        X = dft.analysis(x, grid, 0.7, True, active)
        assert X.shape == (*active.shape, 2, 1)
        whole = 0.7 * column_weights(grid[1])[:, None, None] * dft2(x, grid, "backward")
        np.testing.assert_allclose(X[active], whole[active], rtol=0, atol=1e-12)


@pytest.mark.parametrize("pattern", MASKS)
def test_analysis_is_zero_outside_active(rng, pattern):
    for size, grid in SHAPES:
        active, x = masks(grid, rng)[pattern], normal(rng, (*size, 2, 1))
        assert not np.any(dft.analysis(x, grid, 0.7, True, active)[~active])


@pytest.mark.parametrize("pattern", MASKS)
def test_synthesis_of_a_spectrum_that_is_zero_outside_active(rng, pattern):
    for size, grid in SHAPES:
        active = masks(grid, rng)[pattern]
        X = normal(rng, (*active.shape, 2, 1), np.complex128) * active[:, :, None, None]
        x = dft.synthesis(X, grid, size, 0.7, True, active)
        np.testing.assert_allclose(x, naive_synthesis(X, grid, size, 0.7, True), rtol=0, atol=1e-12)


def test_many_maps_are_transformed_slab_by_slab(rng, monkeypatch):
    x, grid, active = normal(rng, (4, 5, 3, 7)), (6, 7), rng.random((6, 4)) < 0.4
    X = dft.analysis(x, grid, 0.7, True, active)
    whole = dft.analysis(x, grid, 0.7), X, dft.synthesis(X, grid, (4, 5), 0.7, active=active)
    monkeypatch.setattr(dft, "SLAB_BYTES", 1)
    np.testing.assert_allclose(dft.analysis(x, grid, 0.7), whole[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(dft.analysis(x, grid, 0.7, True, active), whole[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(dft.synthesis(X, grid, (4, 5), 0.7), whole[2], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n", "bytes_each", "widths"), [(7, 1, [7]), (7, 1 << 20, [1] * 7), (7, 300_000, [3, 3, 1])])
def test_the_slabs_are_as_even_as_they_fit(n, bytes_each, widths):
    slabs = dft._slabs(n, bytes_each)
    assert [slab.stop - slab.start for slab in slabs] == widths and slabs[-1].stop == n


def test_precision_is_kept_and_the_input_left_alone(rng):
    x, Z, grid = normal(rng, (5, 6, 2, 1), np.float32), normal(rng, (6, 4, 2, 1), np.complex64), (6, 7)
    before = x.copy(), Z.copy()
    X, y = dft.analysis(x, grid, 0.5), dft.synthesis(Z, grid, (5, 6), 0.5, True)
    assert X.dtype == np.complex64 and y.dtype == np.float32
    np.testing.assert_allclose(X, 0.5 * dft2(x, grid, "backward"), rtol=0, atol=1e-4)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(Z, before[1])
