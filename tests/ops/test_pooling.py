"""Max and average pooling: against loops, with overlaps, ties and borders that no window reaches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.oracles import avg_pool_loops, max_pool_loops
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, run, value

# (rows, cols), size, stride: the usual one, a border left over, overlaps, gaps, one window, windows of one entry
WINDOWS = [
    ((4, 6), 2, None), ((5, 7), 2, 2), ((5, 6), 3, 1), ((7, 7), 3, 2), ((7, 8), 2, 3), ((3, 3), 3, None),
    ((3, 4), 1, 1), ((5, 6), (2, 3), None), ((5, 6), (2, 3), (1, 2)), ((7, 6), (3, 1), (2, 3)),
    ((4, 5), (1, 2), (3, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("size", "window", "stride"), WINDOWS)
def test_max_pool_value_and_gradient(be, rng, size, window, stride):
    x = normal(rng, (*size, 2, 3))
    expected, _ = max_pool_loops(x, window, stride)
    np.testing.assert_array_equal(value(be, lambda x: ops.max_pool2d(x, window, stride), x), expected)
    gradcheck(lambda x: ops.max_pool2d(x, window, stride), be.asarray(x))


@pytest.mark.parametrize(("size", "window", "stride"), WINDOWS)
def test_avg_pool_value_and_gradient(be, rng, size, window, stride):
    x = normal(rng, (*size, 2, 3))
    y = value(be, lambda x: ops.avg_pool2d(x, window, stride), x)
    np.testing.assert_allclose(y, avg_pool_loops(x, window, stride), rtol=1e-13, atol=1e-15)
    gradcheck(lambda x: ops.avg_pool2d(x, window, stride), be.asarray(x), linear=True, rtol=1e-8)


@given(
    rows=st.integers(1, 7), cols=st.integers(1, 7), batch=st.integers(1, 2), channels=st.integers(1, 2),
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)), stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    nan=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_max_pool_sends_each_gradient_to_the_first_largest_entry(
    be, rows, cols, batch, channels, size, stride, nan, seed
):
    size = min(size[0], rows), min(size[1], cols)
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (rows, cols, batch, channels)).astype(np.float64)  # few levels: many ties
    if nan:  # larger than any number
        x[x == 2] = np.nan
    largest, winner = max_pool_loops(x, size, stride)
    gy, expected = rng.standard_normal(largest.shape), np.zeros(x.shape)
    for r, c, n, k in np.ndindex(*winner.shape):
        i, j = divmod(winner[r, c, n, k], size[1])
        expected[r * stride[0] + i, c * stride[1] + j, n, k] += gy[r, c, n, k]
    y, (gx,) = run(be, lambda x: ops.max_pool2d(x, size, stride), x, gy=gy)
    np.testing.assert_array_equal(y, largest)
    np.testing.assert_allclose(gx, expected, rtol=1e-13, atol=1e-15)


def test_max_pool_the_first_of_equals_gets_the_gradient(be):
    _, (gx,) = run(be, ops.max_pool2d, np.full((2, 2, 1, 1), 3.0))
    np.testing.assert_array_equal(gx[:, :, 0, 0], [[1, 0], [0, 0]])


@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
def test_rows_and_columns_that_no_window_reaches_get_no_gradient(be, rng, op):
    _, (gx,) = run(be, lambda x: op(x, 2), normal(rng, (5, 7, 2, 1)))
    assert not gx[4].any() and not gx[:, 6].any() and gx[:4, :6].any()


def test_entries_of_overlapping_windows_add_up_their_gradients(be):
    x = np.zeros((3, 3, 1, 1))
    x[1, 1] = 1.0  # the largest of all four windows
    _, (gx,) = run(be, lambda x: ops.max_pool2d(x, 2, 1), x)
    assert gx[1, 1, 0, 0] == 4 and gx.sum() == 4


@pytest.mark.parametrize(
    ("window", "largest", "gradient"),
    [
        ([1, np.nan, 3, 4], np.nan, [0, 1, 0, 0]), ([np.nan, 1, 3, 4], np.nan, [1, 0, 0, 0]),
        ([1, 2, np.nan, np.nan], np.nan, [0, 0, 1, 0]), ([1, np.inf, np.nan, 2], np.nan, [0, 0, 1, 0]),
        ([-np.inf, -np.inf, -np.inf, -5], -5, [0, 0, 0, 1]), ([-np.inf] * 4, -np.inf, [1, 0, 0, 0]),
    ],
)  # fmt: skip
def test_max_pool_of_what_is_no_number_sends_the_gradient_where_it_came_from(be, window, largest, gradient):
    x = np.array([[0.0, 9.0, 1.0, 2.0], window]).reshape(2, 2, 2, 1).transpose(1, 2, 0, 3)  # an image beside it
    y, (gx,) = run(be, ops.max_pool2d, x)
    np.testing.assert_array_equal(y.reshape(-1), [9, largest])
    np.testing.assert_array_equal(gx[:, :, 0, 0].reshape(-1), [0, 1, 0, 0])
    np.testing.assert_array_equal(gx[:, :, 1, 0].reshape(-1), gradient)


@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
def test_pooled_maps_that_are_made_again_are_the_same(be, rng, op):
    def net(x):
        y = op(ops.tanh(x), (2, 3), (2, 1))
        return y * y  # saves y, or makes it again

    x = normal(rng, (6, 7, 2, 3))
    (_, kept), (_, made) = (run(be, net, x, store="dense", recompute=way) for way in (None, "block"))
    np.testing.assert_array_equal(kept, made)


def test_max_pool_saves_two_bits_for_a_window_of_four(be):
    with Tape() as tape:
        ops.max_pool2d(Tensor(be.xp.ones((8, 8, 4, 2)), requires_grad=True))
    assert tape.ledger.nbytes == 2 * (4 * 4 * 4 * 2) // 8


@pytest.mark.parametrize("size", [(16, 16), (17, 17), (2, 129), (128, 2)])
def test_max_pool_counts_the_entries_of_large_windows(be, rng, size):
    x = normal(rng, (*size, 1, 1))
    x[-1, -1] = 9.0  # the last entry of 256, or of more
    y, (gx,) = run(be, lambda x: ops.max_pool2d(x, size), x)
    assert y.item() == 9 and gx[-1, -1] == 1 and gx.sum() == 1


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_windows_that_do_not_fit_are_refused(be, name):
    op, x = getattr(ops, name), Tensor(be.xp.ones((3, 5, 1, 1)))
    for height, width in ((4, 4), (4, 1), (1, 6)):
        expected = f"^{name}: a window of {height} x {width} does not fit into a map of 3 x 5$"
        with pytest.raises(ValueError, match=expected):
            op(x, (height, width))
    assert op(x, (3, 5)).shape == (1, 1, 1, 1)
    for size, stride, what, got in ((0, 1, "size", 0), (2, 0, "stride", 0), (2, (1, -1), "stride", (1, -1))):
        with pytest.raises(ValueError) as refused:
            op(x, size, stride)
        expected = f"{name}: the {what} must be 1 or more, or two such for rows and columns, got {got!r}"
        assert str(refused.value) == expected


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(("shape", "dtype"), [((3, 3, 2), "float64"), ((3, 3, 1, 1), "complex128")])
def test_what_is_no_batch_of_real_maps_is_refused(be, name, shape, dtype):
    with pytest.raises(ValueError, match=rf"^{name}: expected real maps \(rows, cols, batch, channels\), got \(3, 3"):
        getattr(ops, name)(Tensor(be.xp.ones(shape, dtype)))


@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
def test_an_empty_batch_gives_empty_maps_and_gradients(be, op):
    y, (gx,) = run(be, op, np.zeros((4, 5, 0, 3)))
    assert y.shape == (2, 2, 0, 3) and gx.shape == (4, 5, 0, 3)


@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
def test_the_host_does_not_wait_for_the_device(rng, op):
    x = Tensor(STRICT.asarray(normal(rng, (4, 5, 2, 3))), requires_grad=True)
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = op(x)
        tape.backward(y, STRICT.xp.ones(y.shape))
    assert waits() == 0
