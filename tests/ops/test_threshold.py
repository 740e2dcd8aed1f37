"""threshold: which entries are dropped, equal and NaN included; the gradient passes where the value passed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import clear_beta, normal, run, spectrum_tensor, value


@pytest.mark.parametrize("dtype", ["complex128", "float64"])
@pytest.mark.parametrize("wanted", [0.4, 0.8, 1.5])
def test_value_and_gradient(be, rng, dtype, wanted):
    Y = normal(rng, (4, 3, 2, 2), dtype)
    beta = clear_beta(Y, wanted, reach=0.5)
    expected = [y if np.hypot(y.real, y.imag) > beta else 0 for y in Y.ravel()]
    np.testing.assert_array_equal(value(be, lambda Y: ops.threshold(Y, beta), Y).ravel(), expected)
    gradcheck(lambda Y: ops.threshold(Y, beta), be.asarray(Y))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_an_entry_equal_to_beta_is_dropped_and_its_gradient_too(be, dtype):
    Y, gy = np.array([3 + 4j, -5, 5j, 3 + 4.1j], dtype), np.full(4, 1 - 2j, dtype)
    Z, (gY,) = run(be, lambda Y: ops.threshold(Y, 5), Y, gy=gy)
    np.testing.assert_array_equal(Z, [0, 0, 0, Y[3]])
    np.testing.assert_array_equal(gY, [0, 0, 0, gy[3]])


@given(beta=st.floats(0, 3), seed=st.integers(0, 99))
def test_the_gradient_passes_exactly_where_the_value_passed(be, beta, seed):
    rng = np.random.default_rng(seed)
    Y, gy = normal(rng, (3, 4), np.complex128), normal(rng, (3, 4), np.complex128)
    Z, (gY,) = run(be, lambda Y: ops.threshold(Y, beta), Y, gy=gy)
    np.testing.assert_array_equal(gY, np.where(Z != 0, gy, 0))
    np.testing.assert_array_equal(Z, np.where(abs(Y) > beta, Y, 0))


def test_beta_zero_drops_nothing_but_zeros(be, rng):
    Y = normal(rng, (3, 4), np.complex128)
    np.testing.assert_array_equal(value(be, lambda Y: ops.threshold(Y, 0), Y), Y)
    assert run(be, lambda Y: ops.threshold(Y, 0), np.zeros(1, complex))[1][0] == 0


@pytest.mark.parametrize("beta", [1e30, float("inf")])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_huge_beta_drops_everything(be, rng, dtype, beta):
    Z, (gY,) = run(be, lambda Y: ops.threshold(Y, beta), normal(rng, (3, 4), dtype))
    assert not Z.any() and not gY.any() and gY.shape == (3, 4)


def test_nan_is_not_hidden(be):
    Z = value(be, lambda Y: ops.threshold(Y, 2.0), np.array([complex(np.nan, 0), complex(0, np.nan), 1.0]))
    assert np.isnan(Z[:2]).all() and Z[2] == 0


def test_the_spectrum_s_metadata_is_passed_on(be):
    Y = spectrum_tensor(be, np.zeros((4, 3, 1, 1), complex), (4, 5), size=(3, 4), norm="backward")
    assert ops.threshold(Y, 1).spectrum == Y.spectrum


def test_one_bit_an_entry_issaved(be):
    with Tape() as tape:
        ops.threshold(Tensor(be.xp.ones((4, 4, 2, 2), complex), requires_grad=True), 0.5)
    assert tape.ledger.nbytes == 8


@pytest.mark.parametrize("beta", [-0.5, float("nan"), float("-inf")])
def test_a_beta_below_zero_is_refused(be, beta):
    with pytest.raises(ValueError, match=f"^threshold: beta must be 0 or more, got {beta}$"):
        ops.threshold(Tensor(be.xp.ones(2, complex)), beta)
