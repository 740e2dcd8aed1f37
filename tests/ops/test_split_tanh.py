"""split_tanh: tanh of both parts with a scale; gradient from the output; symmetry and zeros survive."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.oracles import dft2
from tests.ops.common import normal, run, spectrum_tensor, value


def naive(y, scale):
    return scale * (1 - 2 / (np.exp(2 * y / scale) + 1))


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0, 8.0])
@pytest.mark.parametrize("shape", [(4, 3, 2, 3), (1, 1, 1, 1), (7,), ()])
def test_value_and_gradient(be, rng, scale, shape):
    Y = normal(rng, shape, np.complex128) * 2
    Z = value(be, lambda Y: ops.split_tanh(Y, scale), Y)
    np.testing.assert_allclose(Z, naive(Y.real, scale) + 1j * naive(Y.imag, scale), rtol=1e-11, atol=1e-14)
    gradcheck(lambda Y: ops.split_tanh(Y, scale), be.asarray(Y))


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_real_arrays_too(be, rng, scale):
    y = normal(rng, (3, 4))
    np.testing.assert_allclose(value(be, lambda y: ops.split_tanh(y, scale), y), naive(y, scale), rtol=1e-12)
    gradcheck(lambda y: ops.split_tanh(y, scale), be.asarray(y))


def test_an_array_that_is_not_contiguous(be, rng):
    Y = be.asarray(normal(rng, (3, 4), np.complex128)).T
    np.testing.assert_allclose(ops.split_tanh(Tensor(Y)).numpy().imag, np.tanh(be.to_host(Y).imag), rtol=1e-14)
    gradcheck(ops.split_tanh, Y)


def test_zero_stays_zero_and_passes_its_gradient(be):
    Z, (gY,) = run(be, lambda Y: ops.split_tanh(Y, 4.0), np.zeros(2, complex), gy=np.array([1 + 2j, 3 - 1j]))
    np.testing.assert_array_equal(Z, 0)
    np.testing.assert_array_equal(gY, [1 + 2j, 3 - 1j])


def test_large_entries_saturate_at_the_scale_with_zero_gradient(be):
    Z, (gY,) = run(be, lambda Y: ops.split_tanh(Y, 4.0), np.array([1e6 - 1e6j]), gy=np.array([1 + 1j]))
    assert Z[0] == 4 - 4j and gY[0] == 0


def test_hermitian_symmetry_survives(be, rng):
    """Eq. (8): tanh is odd, so the edge columns of a real map's spectrum stay Hermitian."""
    Z = value(be, ops.split_tanh, dft2(normal(rng, (5, 6, 1, 2)), (5, 6)))
    for q in (0, 3):
        np.testing.assert_allclose(np.roll(Z[::-1, q], 1, axis=0).conj(), Z[:, q], atol=1e-14)


def test_the_spectrum_s_metadata_is_passed_on(be):
    Y = spectrum_tensor(be, np.zeros((4, 3, 1, 1), complex), (4, 5), size=(3, 4), norm="backward")
    assert ops.split_tanh(Y).spectrum == Y.spectrum


def test_only_the_output_issaved(be):
    with Tape("dense") as tape:
        Z = ops.split_tanh(Tensor(be.xp.ones((4, 3, 2, 1), complex), requires_grad=True))
    assert tape.ledger.nbytes == Z.data.nbytes


def test_nan_is_not_hidden(be):
    assert np.isnan(value(be, ops.split_tanh, np.array([complex(np.nan, 0), 1j]))[0])


@pytest.mark.parametrize("scale", [0, -1.0, float("nan")])
def test_a_scale_not_above_zero_is_refused(be, scale):
    with pytest.raises(ValueError, match=f"^split_tanh: the scale of tanh must be above 0, got {scale}$"):
        ops.split_tanh(Tensor(be.xp.ones(2, complex)), scale)
