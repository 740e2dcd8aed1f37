"""Each layer calls its op with its own parameters; initial weights go by fan-in; what is state resumes exactly."""

import math

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.backend import to_host
from specframe.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    SpectralConv2d,
    SplitActivation,
    SplitTanh,
    Tanh,
    Threshold,
)
from specframe.models import LeNet5, SpecLeNet5


def maps(be, rng, *shape, dtype=np.float32):
    return Tensor(be.asarray(rng.standard_normal(shape).astype(dtype)))


# ---- layers and their ops --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (ReLU(), ops.relu),
        (Tanh(), ops.tanh),
        (MaxPool2d(), ops.max_pool2d),
        (MaxPool2d(3, 2), lambda x: ops.max_pool2d(x, 3, 2)),
        (AvgPool2d(), ops.avg_pool2d),
        (AvgPool2d(3, stride=1), lambda x: ops.avg_pool2d(x, 3, 1)),
        (GlobalAvgPool2d(), ops.global_avg_pool2d),
        (SplitActivation(), ops.split_tanh),
        (SplitActivation("hardtanh", 0.5), lambda x: ops.split_activation(x, "hardtanh", 0.5)),
    ],
    ids=[
        "ReLU", "Tanh", "MaxPool2d", "MaxPool2d(3, 2)", "AvgPool2d", "AvgPool2d(3, 1)", "GlobalAvgPool2d",
        "SplitActivation", "SplitActivation(hardtanh)",
    ],
)  # fmt: skip
def test_a_layer_without_parameters_is_its_op(be, rng, layer, op):
    x = maps(be, rng, 7, 6, 2, 3)
    y = layer(x)
    assert layer.parameters() == [] and y.dtype == np.float32
    np.testing.assert_array_equal(y.numpy(), op(x).numpy())


def test_linear_is_its_op_with_weight_and_bias(be, rng):
    layer, x = Linear(5, 3, rng=1).to(be), maps(be, rng, 4, 5)
    layer.bias.data = be.asarray(np.array([1, 2, 3], np.float32))
    expected = x.numpy() @ layer.weight.numpy().T + np.array([1, 2, 3], np.float32)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert layer(x).shape == (4, 3) and layer(x).dtype == np.float32


def test_conv2d_is_its_op_with_stride_and_padding(be, rng):
    layer, x = Conv2d(3, 4, 3, stride=2, padding=1, rng=1).to(be), maps(be, rng, 7, 6, 2, 3)
    expected = ops.conv2d(x, layer.weight, layer.bias, 2, 1)
    assert layer.weight.shape == (4, 3, 3, 3) and layer(x).shape == (4, 3, 2, 4)
    np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())
    assert Conv2d(3, 4, 5, padding="same").to(be)(x).shape == (7, 6, 2, 4)


def test_the_spectral_layers_follow_each_other_without_repeating_the_grid(be, rng):
    x = maps(be, rng, 7, 6, 2, 3)
    conv = SpectralConv2d(3, 4, 3, rng=1)
    net = Sequential(conv, Threshold(0.2), SplitTanh(scale=2.0)).to(be)
    Z = net(ops.rfft2(x, (9, 8)))
    Y = ops.spectral_conv2d(ops.rfft2(x, (9, 8)), conv.weight, conv.bias)
    np.testing.assert_array_equal(Z.numpy(), ops.split_tanh(ops.threshold(Y, 0.2), 2.0).numpy())
    assert Z.dtype == np.complex64 and ops.irfft2(Z).shape == (7, 6, 2, 4)


def test_flatten_orders_features_as_pytorch_does(be, rng):
    images = rng.standard_normal((4, 3, 5, 2)).astype(np.float32)  # (batch, channels, rows, columns)
    x = Tensor(be.asarray(np.ascontiguousarray(images.transpose(2, 3, 0, 1))))
    flat = Flatten()(x)
    assert flat.shape == (4, 30)
    np.testing.assert_array_equal(flat.numpy(), images.reshape(4, -1))


@pytest.mark.parametrize("layer", [Linear(4, 3), Conv2d(4, 3, 3), BatchNorm2d(4)])
def test_every_parameter_of_a_layer_gets_a_gradient(layer, rng):
    x = rng.standard_normal((6, 4) if isinstance(layer, Linear) else (5, 5, 2, 4)).astype(np.float32)
    with Tape() as tape:
        y = layer(Tensor(x))
    tape.backward(y, rng.standard_normal(y.shape).astype(np.float32))
    for name, parameter in layer.named_parameters():
        assert parameter.grad.shape == parameter.shape and parameter.grad.dtype == np.float32, name
        assert parameter.grad.any(), name


# ---- BatchNorm2d -----------------------------------------------------------------------------------------------


def test_batch_norm_uses_the_batch_in_training_and_running_statistics_in_evaluation(be, rng):
    x = Tensor(be.asarray((rng.standard_normal((6, 5, 8, 3)) * [1, 2, 3] + [0, 5, -5]).astype(np.float32)))
    norm = BatchNorm2d(3, momentum=1.0).to(be)
    y = norm(x).numpy()
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, atol=1e-3)
    np.testing.assert_allclose(to_host(norm.running_mean), x.numpy().mean(axis=(0, 1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(to_host(norm.running_var), x.numpy().var(axis=(0, 1, 2), ddof=1), rtol=1e-4)
    norm.eval()
    statistics = [to_host(array).copy() for array in norm.buffers()]
    shifted = Tensor(x.data + 100)
    np.testing.assert_allclose(norm(shifted).numpy().mean(axis=(0, 1, 2)), 100 / np.sqrt(statistics[1]), rtol=1e-3)
    for array, before in zip(norm.buffers(), statistics, strict=True):
        np.testing.assert_array_equal(to_host(array), before)


def test_running_statistics_travel_with_the_state(rng):
    norm, other = BatchNorm2d(3), BatchNorm2d(3)
    for _ in range(3):
        norm(Tensor(rng.standard_normal((4, 4, 2, 3)).astype(np.float32) + 2))
    other.load_state_dict(norm.state_dict())
    x = Tensor(rng.standard_normal((4, 4, 2, 3)).astype(np.float32))
    np.testing.assert_array_equal(other.eval()(x).data, norm.eval()(x).data)


# ---- Dropout ---------------------------------------------------------------------------------------------------


def test_dropout_draws_anew_each_time_and_scales_what_it_keeps(be):
    drop, x = Dropout(0.25, seed=3).to(be), Tensor(be.asarray(np.ones((100, 40), np.float32)))
    first, second = drop(x).numpy(), drop(x).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)} and first.dtype == np.float32
    assert abs((first == 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 4000)
    assert not np.array_equal(first, second)


def test_dropout_passes_everything_in_evaluation_and_draws_nothing():
    drop, x = Dropout(0.5).eval(), Tensor(np.ones(20))
    assert drop(x) is x and drop.key.tolist()[1] == 0


def test_a_resumed_dropout_draws_what_the_unbroken_one_would_have(be):
    x = Tensor(be.asarray(np.ones((20, 20), np.float32)))
    unbroken = Dropout(0.5, seed=4).to(be)
    for _ in range(3):
        unbroken(x)
    state = unbroken.state_dict()
    assert state["key"].tolist()[1] == 3
    resumed = Dropout(0.5, seed=4).to(be)
    resumed.load_state_dict(state)
    for _ in range(2):
        np.testing.assert_array_equal(resumed(x).numpy(), unbroken(x).numpy())


def test_dropout_draws_follow_the_seed():
    x = Tensor(np.ones((20, 20)))
    draws = [Dropout(0.5, seed=seed)(x).data for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


# ---- initial weights -------------------------------------------------------------------------------------------


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
