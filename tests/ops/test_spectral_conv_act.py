"""spectral_conv_act: whichever body runs and however Z is stored, values and gradients are those of the three ops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from specframe.ops.split_activation import ACTIVATIONS
from tests.kit.oracles import idft2
from tests.ops.common import clear_beta, normal, run, spectrum_tensor, value

STORES = ["dense", "csr", "mask", "auto"]
GRID, SIZE = (8, 9), (6, 6)


def composed(X, *weights, beta, activation="tanh", scale=1.0):
    """The op written as the three it stands for."""
    return ops.split_activation(ops.threshold(ops.spectral_conv2d(X, *weights), beta), activation, scale)


def through(conv_act, grid=GRID, **options):
    """x, weight, (bias) -> map, with one convolution."""
    return lambda x, *weights: ops.irfft2(conv_act(ops.rfft2(x, grid), *weights, **options))


def stacked(conv_act, grid=GRID, **options):
    """x, weight, bias, weight2, bias2 -> map: the second convolution sees the frequencies that the first one left."""

    def block(x, *weights):
        half = len(weights) // 2
        Z = conv_act(ops.rfft2(x, grid), *weights[:half], **options)
        return ops.irfft2(conv_act(Z, *weights[half:], **options))

    return block


def draw(rng, c_in=2, c_out=3, with_bias=True, k=3):
    """x, weight, (bias) in double precision."""
    x, weight, bias = normal(rng, (*SIZE, 2, c_in)), normal(rng, (c_out, c_in, k, k)), normal(rng, c_out)
    return [x, weight / (k * c_in**0.5), bias / 10][: 2 + with_bias]


def spectrum_before_threshold(x, *weights):
    """Y of the first convolution, in NumPy arrays."""
    return ops.spectral_conv2d(ops.rfft2(Tensor(x), GRID), *map(Tensor, weights)).numpy()


def assert_all_close(results, expected, atol=1e-12):
    (y, gradients), (expected_y, expected_gradients) = results, expected
    for one, other in zip([y, *gradients], [expected_y, *expected_gradients], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("beta", "scale"), [(0.0, 1.0), (0.5, 1.0), (1.5, 4.0), (4.0, 1.0)])
@pytest.mark.parametrize(("c_in", "with_bias"), [(1, True), (2, True), (2, False)])
def test_values_and_gradients_equal_those_of_the_three_ops(be, rng, c_in, with_bias, beta, scale, store):
    arrays, gy = draw(rng, c_in, with_bias=with_bias), normal(rng, (*SIZE, 2, 3))
    options = {"beta": beta, "scale": scale}
    fused = run(be, through(ops.spectral_conv_act, **options), *arrays, gy=gy, store=store)
    assert_all_close(fused, run(be, through(composed, **options), *arrays, gy=gy, store="dense"))


@pytest.mark.parametrize("store", ["dense", "mask"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(be, rng, activation, store):
    arrays, gy = [*draw(rng), *draw(rng, c_in=3)[1:]], normal(rng, (*SIZE, 2, 3))
    options = {"beta": 0.8, "activation": activation, "scale": 1.5}
    fused = run(be, stacked(ops.spectral_conv_act, **options), *arrays, gy=gy, store=store)
    assert_all_close(fused, run(be, stacked(composed, **options), *arrays, gy=gy, store="dense"))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("beta", "with_bias"), [(0.0, True), (0.5, False), (2.0, True)])
def test_two_stacked_equal_the_six_ops(be, rng, with_bias, beta, store):
    arrays = [*draw(rng, with_bias=with_bias), *draw(rng, c_in=3, with_bias=with_bias)[1:]]
    gy = normal(rng, (*SIZE, 2, 3))
    fused = run(be, stacked(ops.spectral_conv_act, beta=beta), *arrays, gy=gy, store=store)
    assert_all_close(fused, run(be, stacked(composed, beta=beta), *arrays, gy=gy, store="dense"))


@pytest.mark.parametrize("beta", [0.5, 1.5])
def test_single_precision_agrees_too(be, rng, beta):
    arrays = draw(rng)
    beta = clear_beta(spectrum_before_threshold(*arrays), beta)
    singles, gy = [array.astype(np.float32) for array in arrays], normal(rng, (*SIZE, 2, 3), np.float32)
    fused = run(be, through(ops.spectral_conv_act, beta=beta), *singles, gy=gy)
    assert_all_close(fused, run(be, through(composed, beta=beta), *singles, gy=gy), atol=1e-4)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("wanted", "scale", "with_bias"), [(0.0, 1.0, True), (0.6, 1.0, False), (1.5, 4.0, True)])
def test_gradients_agree_with_finite_differences(be, rng, with_bias, wanted, scale, store):
    arrays = draw(rng, with_bias=with_bias)
    beta = clear_beta(spectrum_before_threshold(*arrays), wanted) if wanted else 0.0
    block = through(ops.spectral_conv_act, beta=beta, scale=scale)
    gradcheck(block, *map(be.asarray, arrays), store=store)


@pytest.mark.parametrize("norm", ["ortho", "backward"])
def test_gradients_of_a_spectrum_itself(be, rng, norm):
    X, weight, bias = normal(rng, (4, 3, 2, 2), np.complex128), normal(rng, (3, 2, 3, 3)), normal(rng, 3)
    Y = value(be, lambda *a: ops.spectral_conv2d(*a, grid=(4, 5), norm=norm), X, weight, bias)
    options = {"grid": (4, 5), "norm": norm, "beta": clear_beta(Y, 2.0), "scale": 4.0}
    gradcheck(lambda *a: ops.spectral_conv_act(*a, **options), *map(be.asarray, (X, weight, bias)))


@settings(max_examples=15)
@given(
    rows=st.integers(2, 6), cols=st.integers(2, 6), batch=st.integers(1, 2), c_in=st.integers(1, 3),
    c_out=st.integers(1, 3), k=st.integers(1, 4), beta=st.sampled_from([0.0, 0.3, 1.0, 3.0]), seed=st.integers(0, 99),
)  # fmt: skip
def test_all_shapes_agree_with_the_three_ops(be, rows, cols, batch, c_in, c_out, k, beta, seed):
    rng, grid = np.random.default_rng(seed), (rows + k - 1, cols + k - 1)
    arrays = [normal(rng, (rows, cols, batch, c_in)), normal(rng, (c_out, c_in, k, k)), normal(rng, c_out)]
    gy = normal(rng, (rows, cols, batch, c_out))
    fused = run(be, through(ops.spectral_conv_act, grid, beta=beta), *arrays, gy=gy)
    assert_all_close(fused, run(be, through(composed, grid, beta=beta), *arrays, gy=gy), atol=1e-11)


# ---- the ends of the scale -------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("beta", "dtype"), [(1e3, "float64"), (1e30, "float32"), (float("inf"), "float64")])
def test_where_everything_is_dropped_all_gradients_are_zero_and_shaped(be, rng, beta, dtype, store):
    arrays = [*draw(rng), *draw(rng, c_in=3)[1:]]
    arrays = [array.astype(dtype) for array in arrays]
    y, gradients = run(be, stacked(ops.spectral_conv_act, beta=beta), *arrays, store=store)
    assert not y.any()
    for gradient, array in zip(gradients, arrays, strict=True):
        assert gradient.shape == array.shape and gradient.dtype == dtype and not gradient.any()


def test_at_beta_zero_tiny_entries_are_kept(be):
    x, weight = np.full((5, 5, 1, 1), 1e-25, np.float32), np.ones((1, 1, 1, 1), np.float32)
    y = value(be, through(ops.spectral_conv_act, (5, 5), beta=0.0), x, weight)
    np.testing.assert_allclose(y, x, rtol=1e-5)


def test_an_entry_equal_to_beta_is_dropped(be):
    x, weight = np.zeros((2, 2, 1, 1)), np.ones((1, 1, 1, 1))
    x[0, 0] = 4.0  # |X| = 2 at every frequency, with a grid of four points
    for beta, kept in ((2.0, False), (2.0 - 1e-12, True)):
        assert value(be, through(ops.spectral_conv_act, (2, 2), beta=beta), x, weight).any() == kept


def test_a_bias_alone_can_lift_bin_zero_above_beta(be, rng):
    x, weight, bias = np.zeros((*SIZE, 2, 2)), normal(rng, (3, 2, 3, 3)), np.array([1.0, -1.0, 0.01])
    gy = normal(rng, (*SIZE, 2, 3))
    options = {"beta": 0.5}
    y, (_, gw, gb) = fused = run(be, through(ops.spectral_conv_act, **options), x, weight, bias, gy=gy)
    assert_all_close(fused, run(be, through(composed, **options), x, weight, bias, gy=gy))
    assert y[..., :2].any() and not y[..., 2].any() and gb[:2].all() and gb[2] == 0 and not gw.any()


@pytest.mark.parametrize("beta", [0.0, 0.5, 1e3])
def test_nan_in_one_image_stays_visible_and_in_that_image(be, rng, beta):
    x, weight, bias = draw(rng)
    clean = value(be, through(ops.spectral_conv_act, beta=beta), x, weight, bias)
    x[2, 3, 1, 0] = np.nan
    y = value(be, through(ops.spectral_conv_act, beta=beta), x, weight, bias)
    assert np.isnan(y[:, :, 1]).all()
    np.testing.assert_allclose(y[:, :, 0], clean[:, :, 0], rtol=0, atol=1e-12)


def test_nan_in_the_weight_stays_visible(be, rng):
    x, weight, bias = draw(rng)
    weight[1, 0, 0, 0] = np.nan
    y = value(be, through(ops.spectral_conv_act, beta=1e3), x, weight, bias)
    assert np.isnan(y[..., 1]).all() and not np.isnan(y[..., [0, 2]]).any()


# ---- what it carries and keeps ---------------------------------------------------------------------------------


def test_what_it_says_about_the_frequencies_is_true(be, rng):
    x, *weights = (Tensor(be.asarray(array)) for array in draw(rng))
    Z = ops.spectral_conv_act(ops.rfft2(x, GRID), *weights, beta=1.5)
    filled = (Z.numpy() != 0).any(axis=(2, 3))
    assert 0 < filled.sum() < filled.size
    assert (Z.spectrum.grid, Z.spectrum.size, Z.spectrum.norm) == (GRID, SIZE, "ortho")
    assert Z.spectrum.active is None or np.array_equal(Z.spectrum.active, filled)  # a body may leave it open


def test_a_bias_makes_bin_zero_active_though_it_was_not(be, rng):
    active = rng.random((8, 5)) < 0.4
    active[0, 0] = False
    X = normal(rng, (8, 5, 2, 2), np.complex128) * active[:, :, None, None]
    X = spectrum_tensor(be, X, GRID, SIZE, active=active)
    weight, bias = (Tensor(be.asarray(array)) for array in (normal(rng, (3, 2, 3, 3)), np.ones(3)))
    Z = ops.spectral_conv_act(X, weight, bias, beta=0.5)
    assert (Z.numpy()[0, 0] != 0).all()
    assert Z.spectrum.active is None or np.array_equal(Z.spectrum.active, (Z.numpy() != 0).any(axis=(2, 3)))
    np.testing.assert_allclose(ops.irfft2(Z).numpy(), idft2(Z.numpy(), GRID)[:6, :6], rtol=0, atol=1e-12)


def test_a_layer_saves_its_output_only_and_the_next_layer_shares_it(be, rng):
    arrays = [*draw(rng), *draw(rng, c_in=3)[1:]]
    leaves = [Tensor(be.asarray(array), requires_grad=True) for array in arrays]
    with Tape("dense") as tape:
        y = stacked(ops.spectral_conv_act, beta=0.5)(*leaves)
    one = GRID[0] * (GRID[1] // 2 + 1) * 2 * 3 * 16  # a complex128 spectrum
    assert tape.ledger.nbytes == 2 * one and y.shape == (*SIZE, 2, 3)


# ---- what is refused (shapes, grids and dtypes: test_spectral_conv2d.py) -----------------------------------------


@pytest.mark.parametrize("beta", [-0.5, float("nan")])
def test_a_beta_below_zero_is_refused(be, beta):
    with pytest.raises(ValueError, match=f"^spectral_conv_act: beta must be 0 or more, got {beta}$"):
        value(be, through(ops.spectral_conv_act, beta=beta), np.ones((3, 3, 1, 1)), np.ones((1, 1, 3, 3)))


@pytest.mark.parametrize("scale", [0, -1.0, float("nan")])
def test_a_scale_not_above_zero_is_refused(be, scale):
    with pytest.raises(ValueError, match=f"^spectral_conv_act: the scale of tanh must be above 0, got {scale}$"):
        value(be, through(ops.spectral_conv_act, scale=scale), np.ones((3, 3, 1, 1)), np.ones((1, 1, 3, 3)))


def test_an_unknown_activation_is_refused(be):
    message = "^spectral_conv_act: unknown activation 'relu', choose tanh, softsign, hardtanh, arctan$"
    with pytest.raises(ValueError, match=message):
        value(be, through(ops.spectral_conv_act, activation="relu"), np.ones((3, 3, 1, 1)), np.ones((1, 1, 3, 3)))
