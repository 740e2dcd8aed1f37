"""The spectral block: Algorithm 1 written out with plain ops, gradients of the whole block, its options and errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from specframe.grids import choose_grid
from specframe.layers import Sequential, SpectralBlock, SpectralConv2d, SplitTanh, Threshold
from tests.kit.oracles import conv2d_loops, dft2, idft2
from tests.ops.common import clear_beta, normal


def naive_block(x, weight, bias, grid, beta, scale, norm="ortho"):
    """One convolution in NumPy sums: transform, product, bias, threshold, tanh, and back; also Y."""
    P, W = grid
    c_out, c_in, k, _ = weight.shape
    c, placed = (k - 1) // 2, np.zeros((P, W, c_in, c_out))
    placed[:k, :k] = weight.transpose(2, 3, 1, 0)
    K = dft2(np.roll(placed, (-c, -c), axis=(0, 1)), grid, "backward").conj()
    Y = np.einsum("pqni,pqio->pqno", dft2(x, grid, norm), K)
    Y[0, 0] += bias * (np.sqrt(P * W) if norm == "ortho" else P * W)
    kept = np.where(abs(Y) > beta, Y, 0)
    Z = scale * np.tanh(kept.real / scale) + 1j * scale * np.tanh(kept.imag / scale)
    return idft2(Z, grid, norm)[: x.shape[0], : x.shape[1]], Y


def make(be, *shape, rng=0, **options):
    """A block in double precision with a bias that is not zero."""
    block = SpectralBlock(*shape, dtype=np.float64, rng=rng, **options)
    for name, parameter in block.named_parameters():
        if name.startswith("bias"):
            parameter.data = np.linspace(-0.2, 0.3, parameter.size)
    return block.to(be)


def as_function(block):
    """x and the parameters, in the block's order, to the block's output."""
    names = [name for name, _ in block.named_parameters()]

    def fn(x, *tensors):
        for name, tensor in zip(names, tensors, strict=True):
            setattr(block, name, tensor)
        return block(x)

    return fn


def parameter_arrays(block):
    return [parameter.data for parameter in block.parameters()]


GRIDS = ["linear", "fast", "same", "paper", "circular", 16, (11, 12)]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("k", "norm", "beta", "scale"), [(3, "ortho", 0.5, 1.0), (4, "ortho", 1.5, 4.0), (3, "backward", 2.0, 8.0)]
)
def test_it_computes_algorithm_1(be, rng, k, norm, beta, scale, grid):
    block, x = make(be, 2, 3, k, beta, grid=grid, norm=norm, scale=scale), normal(rng, (6, 7, 2, 2))
    state = block.state_dict()
    chosen = choose_grid((6, 7), k, grid)
    expected, _ = naive_block(x, state["weight"], state["bias"], chosen, beta, scale, norm)
    np.testing.assert_allclose(block(Tensor(be.asarray(x))).numpy(), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("grid", ["fast", "same"])
@pytest.mark.parametrize("k", range(1, 12))
def test_without_threshold_and_saturation_it_is_the_spatial_convolution(be, rng, k, grid):
    block, x = make(be, 1, 2, k, beta=0.0, grid=grid, scale=1e6), normal(rng, (6, 7, 2, 1))
    state = block.state_dict()
    expected = conv2d_loops(x, state["weight"], state["bias"], padding="same")
    np.testing.assert_allclose(block(Tensor(be.asarray(x))).numpy(), expected, rtol=0, atol=1e-8)


# (size, batch, c_in, c_out, k, options)
GRADIENTS = [
    ((6, 7), 2, 2, 3, 3, {}),
    ((7, 6), 1, 1, 1, 3, {"scale": 4.0}),
    ((5, 6), 2, 1, 2, 2, {"grid": "same"}),
    ((6, 6), 1, 2, 1, 5, {"grid": "circular", "bias": False}),
    ((4, 5), 2, 2, 2, 1, {"norm": "backward", "scale": 8.0}),
    ((3, 4), 1, 1, 2, 11, {"grid": "linear"}),
]


@pytest.mark.parametrize("store", ["dense", "auto"])
@pytest.mark.parametrize(("size", "batch", "c_in", "c_out", "k", "options"), GRADIENTS)
def test_gradients_of_the_whole_block(be, rng, size, batch, c_in, c_out, k, options, store):
    block, x = make(be, c_in, c_out, k, **options), normal(rng, (*size, batch, c_in))
    state = block.state_dict()
    grid, norm = choose_grid(size, k, options.get("grid", "fast")), options.get("norm", "ortho")
    _, Y = naive_block(x, state["weight"], state.get("bias", np.zeros(c_out)), grid, 0.5, 1.0, norm)
    block.beta = clear_beta(Y, 0.7, reach=0.4)
    gradcheck(as_function(block), be.asarray(x), *parameter_arrays(block), store=store)


@pytest.mark.parametrize("recompute", [None, "block"])
@pytest.mark.parametrize("beta", [0.0, 0.45])
def test_gradients_of_two_convolutions_in_one_block(be, rng, beta, recompute):
    block, x = make(be, 2, 3, 3, beta, convs=2, margin=4), normal(rng, (5, 6, 2, 2))
    assert [name for name, _ in block.named_parameters()] == ["weight", "bias", "weight2", "bias2"]
    gradcheck(as_function(block), be.asarray(x), *parameter_arrays(block), recompute=recompute, eps=1e-6)


def test_two_convolutions_do_not_wrap_around_with_the_margin_of_both(be, rng):
    x = normal(rng, (6, 7, 2, 1))
    block = make(be, 1, 2, 3, 0.0, convs=2, grid="linear", margin=4, scale=1e6, bias=False)
    state = block.state_dict()
    y = block(Tensor(be.asarray(x))).numpy()
    inner = conv2d_loops(np.pad(x, ((1, 1), (1, 1), (0, 0), (0, 0))), state["weight"], padding="same")
    expected = conv2d_loops(inner, state["weight2"], padding="same")[1:-1, 1:-1]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-8)


@settings(max_examples=10)
@given(
    rows=st.integers(1, 7), cols=st.integers(1, 7), batch=st.integers(1, 2), c_in=st.integers(1, 2),
    c_out=st.integers(1, 2), k=st.integers(1, 5), grid=st.sampled_from(["linear", "fast", "same", "paper"]),
    beta=st.sampled_from([0.0, 0.3, 1.0]), scale=st.sampled_from([1.0, 4.0]),
)  # fmt: skip
def test_all_shapes_agree_with_algorithm_1(be, rows, cols, batch, c_in, c_out, k, grid, beta, scale):
    block = make(be, c_in, c_out, k, beta, grid=grid, scale=scale)
    x, state = normal(np.random.default_rng(1), (rows, cols, batch, c_in)), block.state_dict()
    expected, Y = naive_block(x, state["weight"], state["bias"], choose_grid((rows, cols), k, grid), beta, scale)
    if beta == 0 or abs(abs(Y) - beta).min() > 1e-9:
        np.testing.assert_allclose(block(Tensor(be.asarray(x))).numpy(), expected, rtol=0, atol=1e-10)


def test_it_is_the_sequence_of_its_layers_between_the_transforms(be, rng):
    block, x = make(be, 2, 3, 3, 0.6, scale=4.0), Tensor(be.asarray(normal(rng, (6, 7, 2, 2))))
    layers = Sequential(SpectralConv2d(2, 3, 3, dtype=np.float64), Threshold(0.6), SplitTanh(4.0)).to(be)
    state = block.state_dict()
    layers.load_state_dict({"0.weight": state["weight"], "0.bias": state["bias"]})
    Z = layers(ops.rfft2(x, choose_grid((6, 7), 3)))
    np.testing.assert_allclose(block.spectrum(x).numpy(), Z.numpy(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(block(x).numpy(), ops.irfft2(Z).numpy(), rtol=0, atol=1e-13)


def test_a_block_keeps_its_output_only(be, rng):
    x = Tensor(be.asarray(normal(rng, (6, 7, 2, 2), np.float32)))
    block = SpectralBlock(2, 3, 3).to(be)
    with Tape("dense") as tape:
        block(x)
    P, W = choose_grid((6, 7), 3)
    assert tape.ledger.nbytes == P * (W // 2 + 1) * 2 * 3 * 8


def test_the_grid_follows_the_size_of_each_input(be):
    block = SpectralBlock(1, 1, 3, grid="linear").to(be)
    for size in ((4, 5), (6, 3)):
        x = Tensor(be.xp.ones((*size, 1, 1), "float32"))
        assert block.spectrum(x).spectrum.grid == (size[0] + 2, size[1] + 2) and block(x).shape == (*size, 1, 1)


def test_gain_scales_the_initial_weights_and_the_seed_fixes_them():
    one, two, other = (SpectralBlock(2, 3, 3, rng=rng, gain=gain) for rng, gain in ((1, 1.0), (1, 2.0), (2, 1.0)))
    np.testing.assert_allclose(two.weight.data, 2 * one.weight.data, rtol=1e-6)
    assert (one.weight.data != other.weight.data).all() and not one.bias.data.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "relu"}, "SpectralBlock: unknown activation 'relu', choose tanh, softsign, hardtanh, arctan"),
        ({"convs": 0}, "SpectralBlock: convs must be a whole number, 1 or more, got 0"),
        ({"norm": "forward"}, "SpectralBlock: unknown norm 'forward', expected 'ortho' or 'backward'"),
        ({"beta": -0.5}, "SpectralBlock: beta must be 0 or more, got -0.5"),
        ({"scale": 0.0}, "SpectralBlock: the scale of tanh must be above 0, got 0.0"),
        ({"stride": 0}, "SpectralBlock: the stride must be a whole number above 0, got 0"),
        ({"stride": 1.5}, "SpectralBlock: the stride must be a whole number above 0, got 1.5"),
        ({"batch_norm": "spatial"}, "SpectralBlock: unknown batch_norm 'spatial', expected None or 'spectral'"),
    ],
)
def test_options_out_of_range_are_refused_when_the_block_is_made(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SpectralBlock(1, 1, 3, **options)


def test_a_grid_that_does_not_fit_is_refused(be):
    x = Tensor(be.xp.ones((6, 6, 1, 1), "float32"))
    with pytest.raises(ValueError, match="unknown grid 'wide': choose linear, fast"):
        SpectralBlock(1, 1, 3, grid="wide").to(be)(x)
    with pytest.raises(ValueError, match=r"a grid of \(5, 5\) cannot hold maps of \(6, 6\)"):
        SpectralBlock(1, 1, 3, grid=5).to(be)(x)


def test_maps_with_another_number_of_channels_are_refused(be):
    block, x = SpectralBlock(1, 1, 3).to(be), Tensor(be.xp.ones((6, 6, 1, 2), "float32"))
    with pytest.raises(ValueError, match=r"^spectral_conv_act: expected a weight \(c_out, 2, k, k\), got \(1, 1, 3,"):
        block(x)
