"""conv2d against loops: kernels 1 to 11, not square, strides, paddings; exact gradients; what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.oracles import conv2d_loops
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("k", range(1, 12))
def test_same_padding_for_every_kernel_size(be, rng, k):
    x, weight, bias = normal(rng, (6, 7, 2, 2)), normal(rng, (3, 2, k, k)), normal(rng, 3)
    y = value(be, lambda *a: ops.conv2d(*a, padding="same"), x, weight, bias)
    assert y.shape == (6, 7, 2, 3)
    np.testing.assert_allclose(y, conv2d_loops(x, weight, bias, padding="same"), rtol=1e-11, atol=1e-12)


VARIANTS = [
    ((5, 6), (3, 3), 1, 0), ((5, 6), (3, 3), 1, 1), ((7, 6), (3, 3), 2, 1), ((8, 8), (3, 3), 3, 0),
    ((6, 5), (2, 4), 1, 0), ((6, 5), (1, 3), 2, "same"), ((5, 5), (4, 2), 1, "same"),
    ((4, 4), (1, 1), 2, 0), ((4, 5), (4, 5), 1, 0),
    ((5, 5), (3, 3), 2, ((1, 0), (2, 1))), ((1, 1), (3, 3), 1, 1), ((5, 4), (3, 3), 1, 3),
    ((7, 8), (3, 2), (2, 3), (0, 2)), ((6, 5), (2, 3), (1, 2), ((0, 2), 1)), ((6, 9), (1, 2), (3, 1), (1, (2, 0))),
]  # fmt: skip


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), VARIANTS)
def test_value_and_gradients(be, rng, size, kernel, stride, padding):
    x, weight, bias = normal(rng, (*size, 2, 2)), normal(rng, (3, 2, *kernel)), normal(rng, 3)

    def conv(x, weight, bias):
        return ops.conv2d(x, weight, bias, stride, padding)

    expected = conv2d_loops(x, weight, bias, stride, padding)
    np.testing.assert_allclose(value(be, conv, x, weight, bias), expected, rtol=1e-11, atol=1e-12)
    gradcheck(conv, be.asarray(x), be.asarray(weight), be.asarray(bias), linear=True, rtol=1e-8)


@pytest.mark.parametrize(("batch", "c_in", "c_out"), [(1, 1, 1), (1, 3, 2), (3, 1, 2), (2, 2, 1)])
def test_batch_one_and_one_channel_without_bias(be, rng, batch, c_in, c_out):
    x, weight = normal(rng, (4, 5, batch, c_in)), normal(rng, (c_out, c_in, 3, 3))
    np.testing.assert_allclose(value(be, ops.conv2d, x, weight), conv2d_loops(x, weight), rtol=1e-11, atol=1e-12)
    gradcheck(ops.conv2d, be.asarray(x), be.asarray(weight), linear=True, rtol=1e-8)


@settings(max_examples=15)
@given(
    rows=st.integers(1, 6), cols=st.integers(1, 6), batch=st.integers(1, 2), c_in=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)), stride=st.integers(1, 3), padding=st.integers(2, 3),
)  # fmt: skip
def test_all_shapes_agree_with_loops(be, rows, cols, batch, c_in, kernel, stride, padding):
    rng = np.random.default_rng(0)
    x, weight = normal(rng, (rows, cols, batch, c_in)), normal(rng, (2, c_in, *kernel))
    y = value(be, lambda x, weight: ops.conv2d(x, weight, None, stride, padding), x, weight)
    np.testing.assert_allclose(y, conv2d_loops(x, weight, None, stride, padding), rtol=1e-11, atol=1e-12)


def test_it_is_a_cross_correlation_and_not_a_flipped_convolution(be):
    x, weight = np.zeros((3, 3, 1, 1)), np.zeros((1, 1, 3, 3))
    x[1, 1], weight[0, 0, 0, 2] = 1.0, 1.0
    y = value(be, lambda *a: ops.conv2d(*a, padding="same"), x, weight)
    assert y[2, 0, 0, 0] == 1 and y.sum() == 1


def conv(be, x=(5, 5, 2, 3), weight=(4, 3, 3, 3), bias=None, dtypes=("float64",) * 3, **options):
    shapes = (x, weight) if bias is None else (x, weight, bias)
    return ops.conv2d(*(Tensor(be.xp.ones(s, d)) for s, d in zip(shapes, dtypes, strict=False)), **options)


def test_shapes_and_dtypes_that_do_not_fit_are_refused(be):
    with pytest.raises(ValueError, match=r"^conv2d: expected real maps .*, got \(5, 5, 3\) float64$"):
        conv(be, x=(5, 5, 3))
    with pytest.raises(ValueError, match=r"^conv2d: expected real maps .*, got \(5, 5, 2, 3\) complex128$"):
        conv(be, dtypes=("complex128", "float64"))
    with pytest.raises(ValueError, match=r"^conv2d: expected a weight .*, got \(4, 3, 3\)"):
        conv(be, weight=(4, 3, 3))
    with pytest.raises(ValueError, match=r"^conv2d: expected a weight .* float64, got \(4, 3, 3, 3\) float32$"):
        conv(be, dtypes=("float64", "float32"))
    with pytest.raises(ValueError, match=r"^conv2d: expected a bias \(4,\) float64, got \(3,\) float64$"):
        conv(be, bias=(3,))
    with pytest.raises(ValueError, match=r"^conv2d: expected a bias \(4,\) float64, got \(4,\) float32$"):
        conv(be, bias=(4,), dtypes=("float64", "float64", "float32"))


def test_images_with_their_channels_in_front_are_told_that_the_channels_come_last(be):
    with pytest.raises(ValueError) as refused:
        conv(be, x=(2, 3, 20, 21))
    assert str(refused.value) == (
        "conv2d: a weight (4, 3, 3, 3) takes 3 channels, maps (2, 3, 20, 21) have 21: "
        "their axes are (rows, cols, batch, channels)"
    )


def test_a_kernel_larger_than_the_padded_map_is_refused(be):
    for x, padded in (((2, 5, 2, 3), r"\(2, 5\)"), ((5, 2, 2, 3), r"\(5, 2\)")):
        expected = rf"^conv2d: a kernel \(3, 3\) does not fit into a padded map of {padded}$"
        with pytest.raises(ValueError, match=expected):
            conv(be, x=x)
    for x, kernel in (((5, 2, 2, 3), (1, 3)), ((2, 5, 2, 3), (3, 1))):
        with pytest.raises(ValueError, match=r"^conv2d: a kernel .* does not fit into a padded map of "):
            conv(be, x=x, weight=(4, 3, *kernel))
        assert conv(be, x=x, weight=(4, 3, *kernel[::-1])).size
    assert conv(be, x=(1, 2, 2, 3), padding=((1, 1), (0, 1))).shape == (1, 1, 2, 4)


@pytest.mark.parametrize("stride", [0, -1, (1, 0), (0, 1), (1, 1, 1), 1.5, "1", None])
def test_a_stride_that_is_none_is_refused(be, stride):
    with pytest.raises(ValueError) as refused:
        conv(be, stride=stride)
    expected = f"conv2d: the stride must be 1 or more, or two such for rows and columns, got {stride!r}"
    assert str(refused.value) == expected


@pytest.mark.parametrize(
    ("padding", "got"),
    [(-1, -1), (((-1, 1), (0, 0)), (-1, 1)), (((1, 1), (0, -2)), (0, -2)), ((1, 2, 3),) * 2, (1.5, 1.5)],
)
def test_a_padding_of_another_kind_is_refused(be, padding, got):
    with pytest.raises(ValueError) as refused:
        conv(be, padding=padding)
    assert str(refused.value) == f"conv2d: the padding must be 0 or more, or two such for rows and columns, got {got!r}"


def test_an_unknown_padding_is_refused(be):
    with pytest.raises(ValueError, match=r"^conv2d: unknown padding 'valid', expected 'same' or numbers of zeros$"):
        conv(be, padding="valid")


def test_numbers_from_numpy_and_lists_are_numbers_too(be, rng):
    x, weight = normal(rng, (6, 5, 1, 2)), normal(rng, (3, 2, 3, 3))
    y = value(be, lambda *a: ops.conv2d(*a, None, [np.int64(2), 1], [np.int64(1), [0, 1]]), x, weight)
    np.testing.assert_allclose(y, conv2d_loops(x, weight, None, (2, 1), (1, (0, 1))), rtol=1e-11, atol=1e-12)


def test_an_empty_batch_gives_empty_maps_and_zero_gradients(be, rng):
    arrays = np.zeros((5, 6, 0, 2)), normal(rng, (3, 2, 3, 3)), normal(rng, 3)
    y, gradients = run(be, lambda *a: ops.conv2d(*a, 2, 1), *arrays)
    assert y.shape == (3, 3, 0, 3)
    for gradient, array in zip(gradients, arrays, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros(array.shape))


def test_the_host_does_not_wait_for_the_device(rng):
    leaves = [Tensor(STRICT.asarray(normal(rng, s)), requires_grad=True) for s in ((5, 6, 2, 2), (3, 2, 3, 3), (3,))]
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = ops.conv2d(*leaves, 2, "same")
        tape.backward(y, STRICT.xp.ones(y.shape))
    assert waits() == 0
