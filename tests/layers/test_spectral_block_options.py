"""The block's other activations, its stride and its batch normalisation: what it computes, keeps and trains."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from specframe.backend import to_host
from specframe.grids import choose_grid
from specframe.layers import (
    Sequential,
    SpectralBatchNorm2d,
    SpectralBlock,
    SpectralConv2d,
    SplitActivation,
    Threshold,
)
from specframe.ops.split_activation import ACTIVATIONS
from tests.kit.oracles import conv2d_loops, idft2
from tests.ops.common import normal

PLAIN = {"beta": 0.0, "scale": 1e6}  # neither threshold nor saturation: what is left is linear


def make(be, *shape, **options):
    """A block in double precision whose biases, gammas and betas are all different."""
    block = SpectralBlock(*shape, dtype=np.float64, rng=0, **options)
    for name, parameter in block.named_parameters():
        if parameter.ndim == 1:
            start = 0.5 if name.endswith("weight") else -0.2
            parameter.data = np.linspace(start, start + 0.7, parameter.size)
    return block.to(be)


def as_function(block):
    """x and the parameters, in the block's order, to the block's output."""
    paths = [name.split(".") for name, _ in block.named_parameters()]

    def fn(x, *tensors):
        for path, tensor in zip(paths, tensors, strict=True):
            owner = block if len(path) == 1 else getattr(block, path[0])
            setattr(owner, path[-1], tensor)
        return block(x)

    return fn


def gradcheck_block(be, block, x, **options):
    gradcheck(as_function(block), be.asarray(x), *(parameter.data for parameter in block.parameters()), **options)


def activated(Y, block):
    return ops.split_activation(ops.threshold(Y, block.beta), block.activation, block.scale)


# ---- activations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_the_sequence_of_the_layers(be, rng, activation):
    block, x = make(be, 2, 3, 3, 0.6, activation=activation, scale=2.0), Tensor(be.asarray(normal(rng, (6, 7, 2, 2))))
    layers = Sequential(SpectralConv2d(2, 3, 3, dtype=np.float64), Threshold(0.6), SplitActivation(activation, 2.0))
    state = block.state_dict()
    layers.to(be).load_state_dict({"0.weight": state["weight"], "0.bias": state["bias"]})
    Z = layers(ops.rfft2(x, choose_grid((6, 7), 3)))
    np.testing.assert_allclose(block.spectrum(x).numpy(), Z.numpy(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("activation", ["softsign", "arctan"])
def test_gradients_with_another_activation(be, rng, activation):
    gradcheck_block(be, make(be, 2, 2, 3, 0.0, activation=activation), normal(rng, (5, 6, 2, 2)))


# ---- stride ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", ["fast", "same", "linear", "paper", (12, 18)])
@pytest.mark.parametrize(("k", "stride"), [(3, 2), (4, 3), (5, 2), (1, 2), (3, 1)])
def test_a_strided_block_is_the_strided_convolution(be, rng, k, stride, grid):
    block, x = make(be, 2, 3, k, grid=grid, stride=stride, **PLAIN), normal(rng, (7, 8, 2, 2))
    state = block.state_dict()
    y = block(Tensor(be.asarray(x))).numpy()
    assert y.shape == (-(-7 // stride), -(-8 // stride), 2, 3)
    expected = conv2d_loops(x, state["weight"], state["bias"], stride, "same")
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-8)


def test_the_stride_comes_before_the_threshold_and_belongs_to_the_first_convolution(be, rng):
    block = make(be, 2, 3, 3, 0.5, convs=2, stride=2, activation="softsign", scale=3.0, margin=6)
    x = Tensor(be.asarray(normal(rng, (7, 8, 2, 2))))
    X = ops.rfft2(x, choose_grid((7, 8), 3, stride=2, margin=6))
    Z = activated(ops.decimate(ops.spectral_conv2d(X, block.weight, block.bias), 2), block)
    Z = activated(ops.spectral_conv2d(Z, block.weight2, block.bias2), block)
    np.testing.assert_allclose(block.spectrum(x).numpy(), Z.numpy(), rtol=0, atol=1e-12)
    assert Z.spectrum.size == (4, 4) and block(x).shape == (4, 4, 2, 3)


@pytest.mark.parametrize(("size", "stride", "norm"), [((6, 7), 2, "ortho"), ((5, 6), 3, "backward")])
@pytest.mark.parametrize("convs", [1, 2])
def test_gradients_of_a_strided_block(be, rng, size, stride, norm, convs):
    block = make(be, 2, 2, 3, 0.0, stride=stride, norm=norm, convs=convs, scale=2.0, margin=8)
    gradcheck_block(be, block, normal(rng, (*size, 2, 2)))


def test_a_strided_block_keeps_its_output_only(be, rng):
    x = Tensor(be.asarray(normal(rng, (8, 8, 2, 2), np.float32)))
    block = SpectralBlock(2, 3, 3, stride=2).to(be)
    with Tape("dense") as tape:
        Z = block.spectrum(x)
    assert tape.ledger.nbytes == Z.data.nbytes and Z.shape == (5, 3, 2, 3) and Z.dtype == np.complex64


# ---- batch normalisation ---------------------------------------------------------------------------------------


def padded_map(be, x, weight, grid):
    """The convolution on the whole grid, in space."""
    X = ops.rfft2(Tensor(be.asarray(x)), grid)
    return ops.irfft2(ops.spectral_conv2d(X, Tensor(be.asarray(weight))), size=grid).numpy()


@pytest.mark.parametrize("stride", [1, 2])
def test_it_is_the_spatial_normalisation_of_the_padded_map(be, rng, stride):
    block, x = make(be, 2, 3, 3, batch_norm="spectral", stride=stride, **PLAIN), normal(rng, (7, 8, 4, 2))
    state = block.state_dict()
    y = padded_map(be, x, state["weight"], choose_grid((7, 8), 3, stride=stride))[::stride, ::stride]
    mean, variance = y.mean(axis=(0, 1, 2)), y.var(axis=(0, 1, 2))
    expected = (y - mean) / np.sqrt(variance + 1e-5) * state["batch_norm.weight"] + state["batch_norm.bias"]
    rows, cols = -(-7 // stride), -(-8 // stride)
    np.testing.assert_allclose(block(Tensor(be.asarray(x))).numpy(), expected[:rows, :cols], rtol=0, atol=1e-8)
    count = y[..., 0].size
    np.testing.assert_allclose(to_host(block.batch_norm.running_mean), 0.1 * mean, rtol=1e-6, atol=1e-9)
    moved = 0.9 + 0.1 * variance * count / (count - 1)
    np.testing.assert_allclose(to_host(block.batch_norm.running_var), moved, rtol=1e-6)


def test_it_stands_between_convolution_and_threshold(be, rng):
    block = make(be, 2, 3, 3, 0.8, convs=2, batch_norm="spectral", activation="arctan", scale=2.0)
    x = Tensor(be.asarray(normal(rng, (7, 8, 2, 2))))
    Z = ops.rfft2(x, choose_grid((7, 8), 3))
    for weight, norm in ((block.weight, block.batch_norm), (block.weight2, block.batch_norm2)):
        Z = activated(ops.spectral_batch_norm2d(ops.spectral_conv2d(Z, weight), norm.weight, norm.bias), block)
    np.testing.assert_allclose(block.spectrum(x).numpy(), Z.numpy(), rtol=0, atol=1e-12)


def test_the_names_of_its_state(be):
    plain, normed = (
        SpectralBlock(1, 2, 3, convs=2, rng=0),
        SpectralBlock(1, 2, 3, convs=2, batch_norm="spectral", rng=0),
    )
    assert list(plain.state_dict()) == ["weight", "bias", "weight2", "bias2"]
    parts = ["weight", "bias", "running_mean", "running_var"]
    names = {"weight", "weight2", *(f"batch_norm{i}.{part}" for i in ("", "2") for part in parts)}
    assert set(normed.state_dict()) == names  # no bias: the normalisation's takes its place
    np.testing.assert_array_equal(plain.weight2.data, normed.weight2.data)  # one seed, one start


@pytest.mark.parametrize("recompute", [None, "block"])
@pytest.mark.parametrize(
    ("convs", "stride", "norm", "scale"),
    [(1, 1, "ortho", 4.0), (2, 1, "backward", 60.0), (2, 2, "ortho", 4.0)],  # where bin (0, 0) does not saturate
)
def test_gradients_with_batch_normalisation(be, rng, convs, stride, norm, scale, recompute):
    block = make(be, 2, 2, 3, 0.0, convs=convs, batch_norm="spectral", stride=stride, norm=norm, scale=scale)
    gradcheck_block(be, block, normal(rng, (5, 6, 2, 2)), recompute=recompute)


def test_gradients_in_evaluation(be, rng):
    block = make(be, 1, 2, 3, 0.0, batch_norm="spectral").eval()
    gradcheck_block(be, block, normal(rng, (4, 5, 1, 1)))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_normalised_block_keeps_one_spectrum_a_convolution(be, rng, stride):
    """The normalisation makes its input again: only what the threshold left is in the ledger."""
    x = Tensor(be.asarray(normal(rng, (8, 8, 2, 2), np.float32)))
    block = SpectralBlock(2, 3, 3, convs=2, batch_norm="spectral", stride=stride).to(be)
    with Tape("dense") as tape:
        Z = block.spectrum(x)
    assert tape.ledger.nbytes == 2 * Z.data.nbytes
    assert {row.array for row in tape.ledger.rows if row.nbytes} == {"Z"}
    assert [row.format for row in tape.ledger.rows if row.array == "Y"] == ["remade"] * 2
    tape.backward(Z, be.xp.ones(Z.shape, Z.dtype))
    for name, parameter in block.named_parameters():
        assert parameter.grad.shape == parameter.shape and parameter.grad.dtype == np.float32, name


def test_evaluation_uses_the_running_statistics_which_travel_with_the_state(be, rng):
    block = make(be, 1, 2, 3, 0.3, batch_norm="spectral")
    for _ in range(3):
        block(Tensor(be.asarray(normal(rng, (6, 6, 4, 1)) + 1)))
    other = make(be, 1, 2, 3, 0.3, batch_norm="spectral")
    other.load_state_dict(block.state_dict())
    images = normal(rng, (6, 6, 4, 1))
    y = block.eval()(Tensor(be.asarray(images))).numpy()
    np.testing.assert_array_equal(other.eval()(Tensor(be.asarray(images))).numpy(), y)
    one = block(Tensor(be.asarray(images[:, :, :1].copy()))).numpy()  # an image alone gives what it gives in a batch
    np.testing.assert_allclose(one, y[:, :, :1], rtol=0, atol=1e-12)


# ---- the layers on their own -----------------------------------------------------------------------------------


def test_the_layer_normalises_in_training_and_remembers_for_evaluation(be, rng):
    grid, norm = (6, 9), SpectralBatchNorm2d(3, momentum=1.0, eps=0.0, dtype=np.float64).to(be)
    x = normal(rng, (*grid, 4, 3)) * [1, 2, 3] + [0, 5, -5]
    y = idft2(norm(ops.rfft2(Tensor(be.asarray(x)), grid)).numpy(), grid)
    np.testing.assert_allclose(y, (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2)), rtol=0, atol=1e-11)
    before = [to_host(array).copy() for array in norm.eval().buffers()]
    y = idft2(norm(ops.rfft2(Tensor(be.asarray(x + 100)), grid)).numpy(), grid)
    np.testing.assert_allclose(y, (x + 100 - before[0]) / np.sqrt(before[1]), rtol=0, atol=1e-10)
    for array, unchanged in zip(norm.buffers(), before, strict=True):
        np.testing.assert_array_equal(to_host(array), unchanged)


def test_a_strided_convolution_layer_decimates_its_result(be, rng):
    conv, X = SpectralConv2d(2, 3, 3, stride=2, dtype=np.float64).to(be), normal(rng, (6, 7, 2, 2))
    X = ops.rfft2(Tensor(be.asarray(X)), choose_grid((6, 7), 3, stride=2))
    expected = ops.decimate(ops.spectral_conv2d(X, conv.weight, conv.bias), 2)
    np.testing.assert_array_equal(conv(X).numpy(), expected.numpy())
    assert conv(X).spectrum == expected.spectrum


def test_a_stride_that_is_no_whole_number_is_refused_when_the_layer_is_made():
    with pytest.raises(ValueError, match=r"^SpectralConv2d: the stride must be a whole number above 0, got 0.5$"):
        SpectralConv2d(1, 1, 3, stride=0.5)


def test_an_unknown_activation_is_refused_when_the_layer_is_made():
    with pytest.raises(ValueError, match=r"^SplitActivation: unknown activation 'relu', choose tanh, softsign"):
        SplitActivation("relu")


def test_a_kernel_larger_than_the_coarse_grid_is_refused(be):
    block, x = SpectralBlock(1, 1, 5, convs=2, stride=4).to(be), Tensor(be.xp.ones((6, 6, 1, 1), "float32"))
    with pytest.raises(ValueError, match=r"^spectral_conv_act: a kernel of 5 is larger than the grid \(3, 3\)$"):
        block(x)
