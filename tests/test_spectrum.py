"""What is known about a half spectrum: column weights, grids and their errors, the gain of a constant map."""

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from specframe import Tensor, spectrum
from specframe.grids import choose_grid, fast_length
from specframe.spectrum import Spectrum, column_weights
from tests.kit.oracles import dft2


@given(W=st.integers(1, 40))
def test_column_weights_count_each_column_of_the_full_spectrum_once(W):
    m = np.zeros(W // 2 + 1)
    for q in range(W):
        m[min(q, W - q)] += 1
    np.testing.assert_array_equal(column_weights(W), m)
    assert m.sum() == W


def test_column_weights_in_single_precision():
    assert column_weights(5, np.float32).dtype == np.float32


@pytest.mark.parametrize("n", [1, 2, 3, 7, 11, 13, 17, 19, 31, 37, 49, 97, 101, 121, 127, 226, 331])
def test_fast_length_is_the_next_product_of_two_three_and_five(n):
    assert fast_length(n) == scipy.fft.next_fast_len(n, real=True)


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ("linear", (32, 34)), ("fast", (32, 36)), ("same", (30, 32)), ("paper", (33, 35)), ("circular", (28, 30)),
        (40, (40, 40)), (np.int64(40), (40, 40)), ((28, 31), (28, 31)), ([35, 36], (35, 36)),
    ],
)  # fmt: skip
def test_choose_grid_by_name_number_or_pair(grid, expected):
    assert choose_grid((28, 30), 5, grid) == expected


def test_choose_grid_of_the_paper_s_table():
    assert choose_grid((32, 32), 3, "paper") == (35, 35) and choose_grid((16, 16), 3, "paper") == (19, 19)


@pytest.mark.parametrize(
    ("grid", "expected"), [("linear", (33, 36)), ("same", (30, 33)), ("circular", (30, 30)), (31, (33, 33))]
)
def test_choose_grid_rounds_up_to_a_multiple_of_the_stride(grid, expected):
    assert choose_grid((28, 30), 5, grid, stride=3) == expected


def test_a_margin_replaces_the_room_for_one_kernel():
    assert choose_grid((28, 28), 5, "linear", margin=8) == (36, 36)
    assert choose_grid((28, 28), 5, "fast", margin=9) == (40, 40)


@given(rows=st.integers(1, 40), cols=st.integers(1, 40), k=st.integers(1, 11), stride=st.integers(1, 3))
def test_every_grid_has_the_room_its_name_promises(rows, cols, k, stride):
    room = {"linear": k - 1, "fast": k - 1, "same": k // 2, "paper": k, "circular": 0}
    for name, margin in room.items():
        P, W = choose_grid((rows, cols), k, name, stride)
        assert P >= rows + margin and W >= cols + margin and P % stride == W % stride == 0
        if stride == 1 and name != "fast":
            assert (P, W) == (max(rows + margin, k), max(cols + margin, k))  # a kernel must fit


def test_an_unknown_grid_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(ValueError, match=r"^unknown grid 'wide': choose linear, fast, same, paper, circular, a number"):
        choose_grid((28, 28), 5, "wide")


@pytest.mark.parametrize("grid", [27, (28, 27), (27, 28), 0, -1])
def test_a_grid_smaller_than_the_map_is_refused(grid):
    with pytest.raises(ValueError, match=r"^a grid of \(.*\) cannot hold maps of \(28, 28\)$"):
        choose_grid((28, 28), 5, grid)


@pytest.mark.parametrize("grid", [(32,), (32, 32, 32)])
def test_a_grid_of_one_or_three_numbers_is_refused(grid):
    with pytest.raises(ValueError, match=r"^a grid is a name, a number or a pair \(P, W\), got \(32,"):
        choose_grid((28, 28), 5, grid)


@pytest.mark.parametrize("norm", ["ortho", "backward"])
@pytest.mark.parametrize("grid", [(4, 5), (5, 6), (1, 1)])
def test_dc_gain_is_bin_zero_of_a_map_of_ones(grid, norm):
    X = dft2(np.ones((*grid, 1, 1)), grid, norm)
    assert Spectrum(grid, grid, norm).dc_gain == pytest.approx(X[0, 0].item(), rel=1e-13)


def test_half_is_the_shape_of_the_half_spectrum():
    assert Spectrum((4, 5), (4, 5)).half == (4, 3) and Spectrum((4, 6), (4, 6)).half == (4, 4)


def test_with_active_changes_nothing_else():
    active = np.ones((4, 3), bool)
    s = Spectrum((4, 5), (3, 3), "backward")
    marked = s.with_active(active)
    assert marked.active is active and s.active is None and marked.with_active(None) == s


def test_of_gives_what_the_tensor_carries_or_names_the_op(be):
    tensor = Tensor(be.xp.ones((4, 3, 2, 1), complex))
    with pytest.raises(ValueError, match=r"^threshold: expected a spectrum made by rfft2, got .* shape \(4, 3, 2, 1\)"):
        spectrum.of(tensor, "threshold")
    tensor.spectrum = Spectrum((4, 5), (4, 5))
    assert spectrum.of(tensor, "threshold") is tensor.spectrum


def test_check_norm_names_the_op():
    spectrum.check_norm("ortho", "rfft2")
    spectrum.check_norm("backward", "rfft2")
    with pytest.raises(ValueError, match=r"^rfft2: unknown norm None, expected 'ortho' or 'backward'$"):
        spectrum.check_norm(None, "rfft2")
