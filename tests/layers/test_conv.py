"""Conv2d: kernels and paddings of any proportions, against sums written as loops."""

import numpy as np
import pytest

from specframe import Tensor, gradcheck
from specframe.layers import Conv2d
from tests.kit.oracles import conv2d_loops


def make(be, *sizes, **options):
    layer = Conv2d(*sizes, rng=1, dtype=np.float64, **options)
    layer.bias.data = np.linspace(-1, 1, layer.bias.size)
    return layer.to(be)


@pytest.mark.parametrize("kernel_size", [3, (3, 1), (1, 4), (2, 5)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("padding", "around"),
    [
        (0, ((0, 0), (0, 0))),
        ("valid", ((0, 0), (0, 0))),
        (2, ((2, 2), (2, 2))),
        ((0, 2), ((0, 0), (2, 2))),
        (((1, 0), (0, 3)), ((1, 0), (0, 3))),
        ([1, (0, 2)], ((1, 1), (0, 2))),
    ],
)
def test_kernels_and_paddings_of_any_proportions(be, rng, kernel_size, stride, padding, around):
    layer, x = make(be, 2, 3, kernel_size, stride=stride, padding=padding), rng.standard_normal((7, 6, 2, 2))
    state, padded = layer.state_dict(), np.pad(x, (*around, (0, 0), (0, 0)))
    expected = conv2d_loops(padded, state["weight"], state["bias"], stride, 0)
    y = layer(Tensor(be.asarray(x))).numpy()
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel_size", [(3, 1), (2, 5), 4])
def test_same_keeps_the_size_of_the_map(be, rng, kernel_size):
    layer, x = make(be, 2, 3, kernel_size, padding="same"), rng.standard_normal((7, 6, 2, 2))
    state = layer.state_dict()
    expected = conv2d_loops(x, state["weight"], state["bias"], 1, "same")
    np.testing.assert_allclose(layer(Tensor(be.asarray(x))).numpy(), expected, rtol=0, atol=1e-12)
    assert expected.shape == (7, 6, 2, 3)


def test_gradients_of_a_rectangular_kernel(be, rng):
    layer = make(be, 2, 3, (3, 2), stride=2, padding=(1, 0))

    def fn(x, weight, bias):
        layer.weight, layer.bias = weight, bias
        return layer(x)

    gradcheck(fn, be.asarray(rng.standard_normal((7, 6, 2, 2))), layer.weight.data, layer.bias.data)


def test_the_spread_of_a_rectangular_kernel_goes_by_all_its_entries():
    layer = Conv2d(16, 64, (2, 8), rng=1)
    assert layer.weight.shape == (64, 16, 2, 8)
    assert 0.99 / 16 < abs(layer.weight.data).max() <= 1 / 16  # 1 / sqrt(16 * 2 * 8)
