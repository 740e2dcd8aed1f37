"""Initial weights: uniform by fan-in, fixed by a seed, and never twice the same without one."""

import math

import numpy as np
import pytest

from specframe.layers import Conv2d, Linear, SpectralBlock, SpectralConv2d, SpectralLayer
from specframe.models import LeNet5, SpecLeNet5
from specframe.random import manual_seed


@pytest.mark.parametrize("gain", [1.0, 2.5])
@pytest.mark.parametrize(
    ("make", "fan_in"),
    [
        (lambda gain: Linear(400, 300, gain=gain, rng=5), 400),
        (lambda gain: Conv2d(16, 64, 5, gain=gain, rng=5), 16 * 25),
        (lambda gain: SpectralConv2d(16, 64, 5, gain=gain, rng=5), 16 * 25),
        (lambda gain: Conv2d(3, 2000, 1, gain=gain, rng=5), 3),
    ],
    ids=["Linear", "Conv2d", "SpectralConv2d", "Conv2d 1 x 1"],
)
def test_initial_weights_are_uniform_within_gain_over_the_root_of_fan_in(make, fan_in, gain):
    layer, bound = make(gain), gain / math.sqrt(fan_in)
    w, n, std = layer.weight.data, layer.weight.size, bound / math.sqrt(3)
    assert np.abs(w).max() <= bound * (1 + 1e-6)
    assert abs(w.std() - std) < 5 * std / math.sqrt(2 * n)
    assert abs(np.mean(np.abs(w) > bound / 2) - 0.5) < 5 / math.sqrt(4 * n)
    assert abs(w.mean()) < 5 * std / math.sqrt(n)
    assert w.dtype == np.float32 and not layer.bias.data.any()


@pytest.mark.parametrize(("layer", "sizes"), [(Linear, (4, 5)), (Conv2d, (4, 5, 3)), (SpectralConv2d, (4, 5, 3))])
def test_weights_are_fixed_by_the_seed_and_follow_the_precision(layer, sizes):
    first, again, other = layer(*sizes, rng=1), layer(*sizes, rng=1), layer(*sizes, rng=2)
    np.testing.assert_array_equal(first.weight.data, again.weight.data)
    assert not np.array_equal(first.weight.data, other.weight.data)
    double = layer(*sizes, rng=1, dtype=np.float64)
    assert double.weight.dtype == double.bias.dtype == np.float64
    np.testing.assert_array_equal(double.weight.data.astype(np.float32), first.weight.data)


def test_a_generator_is_drawn_from_in_turn():
    rng = np.random.default_rng(1)
    assert not np.array_equal(Linear(4, 5, rng=rng).weight.data, Linear(4, 5, rng=rng).weight.data)


@pytest.mark.parametrize("seed", [0, 7])
def test_twins_of_one_seed_start_equal(seed):
    spatial, spectral = LeNet5(seed=seed).state_dict(), SpecLeNet5(seed=seed).state_dict()
    assert spatial.keys() == spectral.keys()
    for name in spatial:
        np.testing.assert_array_equal(spatial[name], spectral[name], err_msg=name)


def test_other_seeds_start_elsewhere():
    for model in (LeNet5, SpecLeNet5):
        first, other = model(seed=0), model(seed=1)
        for (name, p), q in zip(first.named_parameters(), other.parameters(), strict=True):
            assert "bias" in name or not np.array_equal(p.data, q.data), name


def test_layers_of_one_shape_in_one_model_start_differently():
    net = SpecLeNet5(seed=0)
    weights = [p.data.reshape(-1)[:100] for name, p in net.named_parameters() if "weight" in name]
    for i, w in enumerate(weights):
        for v in weights[i + 1 :]:
            assert abs(np.corrcoef(w, v)[0, 1]) < 0.5


# ---- without a seed --------------------------------------------------------------------------------------------

MAKE = [
    lambda: Linear(4, 4),
    lambda: Conv2d(4, 4, 3),
    lambda: SpectralConv2d(4, 4, 3),
    lambda: SpectralLayer(4, 4, 3),
    lambda: SpectralBlock(4, 4, 3),
    lambda: LeNet5(seed=None),
]


@pytest.mark.parametrize("make", MAKE, ids=["Linear", "Conv2d", "SpectralConv2d", "SpectralLayer", "Block", "LeNet5"])
def test_two_layers_without_a_seed_differ_and_one_call_makes_them_reproducible(make):
    layers = []
    for seed in (1, 1, 2):
        manual_seed(seed)
        layers.append([make().parameters()[0].data for _ in range(2)])
    assert not np.array_equal(*layers[0])
    for one, again, other in zip(*layers, strict=True):
        assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_convolutions_of_one_block_differ():
    block = SpectralBlock(4, 4, 3, convs=2)
    assert not np.array_equal(block.weight.data, block.weight2.data)


@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.complex64])
@pytest.mark.parametrize(
    "make", [lambda **options: Linear(3, 4, **options), lambda **options: Conv2d(1, 1, 3, **options)]
)
def test_a_precision_that_no_op_has_is_refused(make, dtype):
    with pytest.raises(ValueError, match=f"^layers: the dtype must be float32 or float64, got {np.dtype(dtype)}$"):
        make(dtype=dtype)
