"""Each layer calls its op with its own parameters."""

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Embedding,
    Flatten,
    GlobalAvgPool2d,
    Identity,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Sigmoid,
    SpectralConv2d,
    SplitActivation,
    SplitTanh,
    Tanh,
    Threshold,
)


def maps(be, rng, *shape, dtype=np.float32):
    return Tensor(be.asarray(rng.standard_normal(shape).astype(dtype)))


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (ReLU(), ops.relu),
        (Tanh(), ops.tanh),
        (LeakyReLU(), ops.leaky_relu),
        (LeakyReLU(0.2), lambda x: ops.leaky_relu(x, 0.2)),
        (Sigmoid(), lambda x: ops.sigmoid(x)),
        (GELU(), lambda x: ops.gelu(x)),
        (Identity(), lambda x: x),
        (MaxPool2d((2, 3), (2, 1)), lambda x: ops.max_pool2d(x, (2, 3), (2, 1))),
        (AvgPool2d((3, 1)), lambda x: ops.avg_pool2d(x, (3, 1))),
        (MaxPool2d(), ops.max_pool2d),
        (MaxPool2d(3, 2), lambda x: ops.max_pool2d(x, 3, 2)),
        (AvgPool2d(), ops.avg_pool2d),
        (AvgPool2d(3, stride=1), lambda x: ops.avg_pool2d(x, 3, 1)),
        (GlobalAvgPool2d(), ops.global_avg_pool2d),
        (SplitActivation(), ops.split_tanh),
        (SplitActivation("hardtanh", 0.5), lambda x: ops.split_activation(x, "hardtanh", 0.5)),
    ],
    ids=[
        "ReLU", "Tanh", "LeakyReLU", "LeakyReLU(0.2)", "Sigmoid", "GELU", "Identity", "MaxPool2d((2, 3), (2, 1))",
        "AvgPool2d((3, 1))", "MaxPool2d", "MaxPool2d(3, 2)", "AvgPool2d",
        "AvgPool2d(3, 1)", "GlobalAvgPool2d",
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


def test_linear_works_on_the_last_axis_whatever_comes_before(be, rng):
    layer, x = Linear(5, 3, rng=1).to(be), maps(be, rng, 2, 4, 6, 5)
    flat = layer(Tensor(x.data.reshape(48, 5)))
    assert layer(x).shape == (2, 4, 6, 3) and layer(Tensor(x.data[0, 0, 0])).shape == (3,)
    np.testing.assert_array_equal(layer(x).numpy().reshape(48, 3), flat.numpy())


def test_conv2d_is_its_op_with_stride_and_padding(be, rng):
    layer, x = Conv2d(3, 4, 3, stride=2, padding=1, rng=1).to(be), maps(be, rng, 7, 6, 2, 3)
    expected = ops.conv2d(x, layer.weight, layer.bias, 2, 1)
    assert layer.weight.shape == (4, 3, 3, 3) and layer(x).shape == (4, 3, 2, 4)
    np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())
    assert Conv2d(3, 4, 5, padding="same").to(be)(x).shape == (7, 6, 2, 4)


def test_unequal_strides_of_conv2d_take_every_so_manieth_row_and_column(be, rng):
    layer, x = Conv2d(3, 4, 3, stride=(3, 2), padding=1, rng=1).to(be), maps(be, rng, 8, 9, 2, 3)
    expected = ops.conv2d(x, layer.weight, layer.bias, 1, 1).numpy()[::3, ::2]
    np.testing.assert_array_equal(layer(x).numpy(), expected)


@pytest.mark.parametrize("shape", [3, (3,), (4, 3), (2, 4, 3)])
def test_layer_norm_normalises_over_its_axes(be, rng, shape):
    layer, x = LayerNorm(shape, eps=1e-3, dtype=np.float64).to(be), rng.standard_normal((5, 2, 4, 3)) * 3 + 1
    axes = (shape,) if isinstance(shape, int) else shape
    gamma, beta = rng.standard_normal(axes), rng.standard_normal(axes)
    layer.weight.data, layer.bias.data = be.asarray(gamma), be.asarray(beta)
    over = tuple(range(-len(axes), 0))
    centred = x - x.mean(axis=over, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axis=over, keepdims=True) + 1e-3) * gamma + beta
    np.testing.assert_allclose(layer(Tensor(be.asarray(x))).numpy(), expected, rtol=0, atol=1e-12)
    assert layer.weight.shape == layer.bias.shape == axes


def test_embedding_gives_the_rows_of_its_weight_and_their_gradients(be, rng):
    layer, indices = Embedding(5, 3, rng=1, dtype=np.float64).to(be), np.array([[1, 4], [1, 0]])
    gy = rng.standard_normal((2, 2, 3))
    with Tape() as tape:
        y = layer(be.asarray(indices))
    tape.backward(y, be.asarray(gy))
    np.testing.assert_array_equal(y.numpy(), layer.weight.numpy()[indices])
    expected = np.zeros((5, 3))
    np.add.at(expected, indices, gy)
    np.testing.assert_allclose(be.to_host(layer.weight.grad), expected, rtol=0, atol=1e-15)


def test_embeddings_start_from_a_standard_normal_distribution():
    w = Embedding(200, 100, rng=1).weight.data
    assert w.dtype == np.float32 and abs(w.mean()) < 0.03 and abs(w.std() - 1) < 0.03
    assert not np.array_equal(w, Embedding(200, 100).weight.data)


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


@pytest.mark.parametrize("layer", [Linear(4, 3, rng=1), Conv2d(4, 3, 3, rng=1), BatchNorm2d(4)])
def test_every_parameter_of_a_layer_gets_a_gradient(layer, rng):
    x = rng.standard_normal((6, 4) if isinstance(layer, Linear) else (5, 5, 2, 4)).astype(np.float32)
    with Tape() as tape:
        y = layer(Tensor(x))
    tape.backward(y, rng.standard_normal(y.shape).astype(np.float32))
    for name, parameter in layer.named_parameters():
        assert parameter.grad.shape == parameter.shape and parameter.grad.dtype == np.float32, name
        assert parameter.grad.any(), name
