"""spectral_act: threshold and activation in one op: values, gradients, what it saves and carries."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from specframe.ops.split_activation import ACTIVATIONS
from tests.ops.common import clear_beta, normal, on_grid, run, spectrum_tensor

GRID, STORES = (6, 7), ["dense", "csr", "mask", "auto"]


def spectrum(rng, dtype=np.complex128):
    """Some frequencies are small for the whole batch, as after a few layers."""
    Y = normal(rng, (GRID[0], GRID[1] // 2 + 1, 2, 3))
    return ((Y + 1j * normal(rng, Y.shape)) * rng.uniform(0, 2, (*Y.shape[:2], 1, 1))).astype(dtype)


def composed(Y, beta, activation="tanh", scale=1.0):
    return ops.split_activation(ops.threshold(Y, beta), activation, scale)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("beta", "scale"), [(0.0, 1.0), (1.0, 4.0), (3.0, 0.7), (1e3, 1.0), (float("inf"), 1.0)])
def test_values_and_gradients_equal_those_of_the_two_ops(be, rng, beta, activation, scale, store):
    Y, gZ = spectrum(rng), normal(rng, (6, 4, 2, 3), np.complex128)
    for array, atol in ((Y, 1e-14), (Y.astype(np.complex64), 1e-6)):
        options, g = (beta, activation, scale), gZ.astype(array.dtype)
        Z, (gY,) = run(be, on_grid(lambda Y: ops.spectral_act(Y, *options), GRID), array, gy=g, store=store)  # noqa: B023
        expected, (g_expected,) = run(be, lambda Y: composed(Y, *options), array, gy=g)  # noqa: B023
        np.testing.assert_allclose(Z, expected, rtol=0, atol=atol * scale)
        np.testing.assert_allclose(gY, g_expected, rtol=0, atol=10 * atol)
        assert Z.dtype == gY.dtype == array.dtype and gY.shape == Y.shape


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("activation", ["tanh", "softsign", "arctan"])
def test_gradients_agree_with_finite_differences(be, rng, activation, store):
    Y = spectrum(rng)
    beta = clear_beta(Y, 1.0)
    gradcheck(on_grid(lambda Y: ops.spectral_act(Y, beta, activation, 2.0), GRID), be.asarray(Y), store=store)


def test_the_output_is_all_it_saves(be, rng):
    Y = spectrum_tensor(be, spectrum(rng), GRID)
    Y.requires_grad = True
    with Tape("dense") as tape:
        Z = ops.spectral_act(Y, 1.0)
    assert [row.array for row in tape.ledger.rows] == ["Z"] and tape.ledger.nbytes == Z.data.nbytes


def test_what_it_says_about_the_frequencies_is_true(be, rng):
    Z = ops.spectral_act(spectrum_tensor(be, spectrum(rng), GRID, size=(5, 5), norm="backward"), 2.0)
    filled = (Z.numpy() != 0).any(axis=(2, 3))
    assert 0 < filled.sum() < filled.size
    assert (Z.spectrum.grid, Z.spectrum.size, Z.spectrum.norm) == (GRID, (5, 5), "backward")
    assert Z.spectrum.active is None or np.array_equal(Z.spectrum.active, filled)  # a body may leave it open


def test_nan_is_not_hidden(be, rng):
    Y = spectrum(rng)
    Y[2, 1, 0, 0] = np.nan
    Z = ops.spectral_act(spectrum_tensor(be, Y, GRID), 1.0).numpy()
    assert np.isnan(Z[2, 1, 0, 0]) and np.isnan(Z).sum() == 1


def test_what_does_not_fit_is_refused(be, rng):
    Y = spectrum_tensor(be, spectrum(rng), GRID)
    with pytest.raises(ValueError, match=r"^spectral_act: beta must be 0 or more, got -1$"):
        ops.spectral_act(Y, -1)
    with pytest.raises(ValueError, match=r"^spectral_act: the scale of arctan must be above 0, got 0$"):
        ops.spectral_act(Y, 1.0, "arctan", 0)
    with pytest.raises(ValueError, match=r"^spectral_act: unknown activation 'gelu', choose tanh, softsign"):
        ops.spectral_act(Y, 1.0, "gelu")
    with pytest.raises(ValueError, match=r"^spectral_act: expected a spectrum made by rfft2"):
        ops.spectral_act(Tensor(Y.data), 1.0)
    with pytest.raises(ValueError, match=r"^spectral_act: expected a complex spectrum of \(6, 4\) x batch x channels"):
        ops.spectral_act(spectrum_tensor(be, spectrum(rng)[:3], GRID), 1.0)
