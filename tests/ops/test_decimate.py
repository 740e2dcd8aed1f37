"""decimate: equal to slicing the map, to a strided convolution after one, and its backward the exact adjoint."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from specframe.gradcheck import GradcheckError
from specframe.grids import choose_grid
from specframe.ops.decimate import Decimate
from specframe.spectrum import Spectrum, column_weights
from specframe.tape import apply
from tests.kit.oracles import conv2d_loops, dft2, idft2
from tests.ops.common import hermitian, normal, on_grid, spectrum_tensor, value

# grid and stride: W even and odd, W / s even and odd, not square, a single point left, stride 1
CASES = [
    ((4, 6), 2), ((6, 8), 2), ((8, 12), 4), ((6, 9), 3), ((9, 6), 3), ((3, 15), 3), ((5, 5), 5), ((2, 2), 2),
    ((7, 14), 7), ((3, 5), 1), ((4, 4), 1),
]  # fmt: skip
cases = pytest.mark.parametrize(("grid", "stride"), CASES)
norms = pytest.mark.parametrize("norm", ["ortho", "backward"])


def spectrum(rng, grid, batch=2, channels=3):
    """Any complex half spectrum: its edge columns are not Hermitian."""
    return normal(rng, (grid[0], grid[1] // 2 + 1, batch, channels), np.complex128)


def decimated(be, X, grid, stride, norm="ortho", size=None):
    return ops.decimate(spectrum_tensor(be, X, grid, size, norm), stride)


@norms
@cases
def test_it_is_slicing_in_space(be, rng, grid, stride, norm):
    X = spectrum(rng, grid)
    Y = decimated(be, X, grid, stride, norm)
    coarse = grid[0] // stride, grid[1] // stride
    expected = idft2(X, grid, norm)[::stride, ::stride]
    assert Y.spectrum == Spectrum(coarse, coarse, norm) and Y.shape == (*Y.spectrum.half, 2, 3)
    np.testing.assert_allclose(ops.irfft2(Y).numpy(), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(Y.numpy(), dft2(expected, coarse, norm), rtol=0, atol=1e-12)


@norms
@cases
def test_the_backward_is_the_adjoint_for_any_cotangent(be, rng, grid, stride, norm):
    """gradcheck draws a complex cotangent, whose edge columns are not Hermitian either."""
    fn = on_grid(lambda X: ops.decimate(X, stride), grid, norm)
    assert gradcheck(fn, be.asarray(spectrum(rng, grid)), linear=True, rtol=1e-9) < 1e-9


@norms
@given(P=st.integers(1, 4), W=st.integers(1, 5), stride=st.integers(1, 4), seed=st.integers(0, 99))
def test_all_grids(be, norm, P, W, stride, seed):
    grid, rng = (P * stride, W * stride), np.random.default_rng(seed)
    X = spectrum(rng, grid, 1, 1)
    expected = idft2(X, grid, norm)[::stride, ::stride]
    y = ops.irfft2(decimated(be, X, grid, stride, norm)).numpy()
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
    gradcheck(on_grid(lambda X: ops.decimate(X, stride), grid, norm), be.asarray(X), linear=True, rtol=1e-9)


def test_stride_one_changes_nothing_that_irfft2_would_see(be, rng):
    X = spectrum(rng, (4, 6))
    np.testing.assert_allclose(decimated(be, X, (4, 6), 1).numpy(), hermitian(X, 6), rtol=0, atol=1e-15)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("size", "k"), [((9, 8), 3), ((7, 10), 4), ((8, 5), 1), ((6, 7), 5)])
def test_after_a_spectral_convolution_it_is_the_strided_convolution(be, rng, size, k, stride):
    x, weight, bias = normal(rng, (*size, 2, 2)), normal(rng, (3, 2, k, k)), normal(rng, 3)
    grid = choose_grid(size, k, stride=stride)

    def spectral(x, *weights):
        return ops.irfft2(ops.decimate(ops.spectral_conv2d(ops.rfft2(x, grid), *weights), stride))

    y, c = value(be, spectral, x, weight, bias), (k - 1) // 2
    assert y.shape == (-(-size[0] // stride), -(-size[1] // stride), 2, 3)
    for padding in ("same", ((c, k - 1 - c), (c, k - 1 - c))):
        np.testing.assert_allclose(y, conv2d_loops(x, weight, bias, stride, padding), rtol=0, atol=1e-11)
    spatial = value(be, lambda *a: ops.conv2d(*a, stride=stride, padding="same"), x, weight, bias)
    np.testing.assert_allclose(y, spatial, rtol=0, atol=1e-11)


@norms
def test_twice_by_two_is_once_by_four(be, rng, norm):
    X = spectrum(rng, (8, 12))
    twice = ops.decimate(decimated(be, X, (8, 12), 2, norm, size=(7, 10)), 2)
    once = decimated(be, X, (8, 12), 4, norm, size=(7, 10))
    np.testing.assert_allclose(twice.numpy(), once.numpy(), rtol=0, atol=1e-13)
    assert twice.spectrum == once.spectrum and once.spectrum.size == (2, 3)


def test_a_spectrum_with_few_active_frequencies(be, rng):
    """What a threshold left says so; after folding nothing is known."""
    X = spectrum(rng, (4, 6))
    active = np.zeros((4, 4), bool)
    active[1, 2] = active[0, 0] = True
    X[~active] = 0
    Y = ops.decimate(spectrum_tensor(be, X, (4, 6), active=active), 2)
    assert Y.spectrum.active is None
    np.testing.assert_allclose(ops.irfft2(Y).numpy(), idft2(X, (4, 6))[::2, ::2], rtol=0, atol=1e-13)


def test_batch_one_and_one_channel_in_single_precision(be, rng):
    X = spectrum(rng, (6, 9), 1, 1)
    single = decimated(be, X.astype(np.complex64), (6, 9), 3)
    assert single.dtype == np.complex64
    np.testing.assert_allclose(single.numpy(), decimated(be, X, (6, 9), 3).numpy(), rtol=0, atol=1e-6)


def test_nothing_issaved(be, rng):
    X = spectrum_tensor(be, spectrum(rng, (4, 6)), (4, 6))
    X.requires_grad = True
    with Tape("dense") as tape:
        ops.decimate(X, 2)
    assert tape.ledger.rows == []


def test_saving_the_result_keeps_what_the_convolution_keeps_anyway(be, rng):
    x, weight = (Tensor(be.asarray(normal(rng, shape)), requires_grad=True) for shape in ((6, 6, 2, 1), (3, 1, 3, 3)))
    with Tape("dense") as tape:
        Y = ops.decimate(ops.spectral_conv2d(ops.rfft2(x, (8, 8)), weight), 2)
        ops.multiply(Y, Y)
    assert tape.ledger.nbytes == 0
    assert [row.format for row in tape.ledger.rows if row.array in ("a", "b")] == ["remade"] * 2


def test_saving_the_result_does_not_keep_the_larger_spectrum_instead(be, rng):
    X = spectrum_tensor(be, spectrum(rng, (8, 8)), (8, 8))
    X.requires_grad = True
    with Tape("dense") as tape:
        Y = ops.decimate(ops.threshold(X, 0.5), 2)
        ops.multiply(Y, Y)
    assert sum(row.values for row in tape.ledger.rows) == Y.data.nbytes


# ---- wrong rules -----------------------------------------------------------------------------------------------


class WithoutColumnWeights(Decimate):
    """gX = f G: mirrored columns count twice, edge columns once."""

    @staticmethod
    def backward(ctx, gY):
        gX = Decimate.backward(ctx, gY)
        return gX / ctx.backend.asarray(column_weights(ctx.source.grid[1])[:, None, None])


class WithoutConjugate(Decimate):
    """G[u, v] = gY[u, v] + gY[-u, -v]: a mirror image is a conjugate too."""

    @staticmethod
    def backward(ctx, gY):
        right, imaginary = Decimate.backward(ctx, gY), Decimate.backward(ctx, 1j * gY)
        return ((right - 1j * imaginary) + ctx.xp.conj(right + 1j * imaginary)) / 2  # its linear part stays


class OfTheOtherNorm(Decimate):
    @staticmethod
    def backward(ctx, gY):
        return Decimate.backward(ctx, gY) / ctx.stride


class WithoutAliases(Decimate):
    """Only the lowest rows get the gradient, as if the spectrum had been cropped."""

    @staticmethod
    def backward(ctx, gY):
        gX = Decimate.backward(ctx, gY)
        gX[gY.shape[0] :] = 0
        return gX


@pytest.mark.parametrize("wrong", [WithoutColumnWeights, WithoutConjugate, OfTheOtherNorm, WithoutAliases])
@pytest.mark.parametrize(("grid", "stride"), [((4, 6), 2), ((6, 9), 3), ((4, 8), 2)])
def test_wrong_rules_are_rejected(be, rng, grid, stride, wrong):
    X, options = be.asarray(spectrum(rng, grid)), {"s": Spectrum(grid, grid), "stride": stride}
    gradcheck(lambda X: apply(Decimate, X, **options), X, linear=True, rtol=1e-9)
    with pytest.raises(GradcheckError, match="finite differences give"):
        gradcheck(lambda X: apply(wrong, X, **options), X, linear=True)


# ---- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("grid", "stride"), [((4, 5), 2), ((5, 4), 2), ((4, 6), 3)])
def test_a_grid_that_is_no_multiple_of_the_stride_is_refused(be, rng, grid, stride):
    message = rf"^decimate: the grid \({grid[0]}, {grid[1]}\) is not a multiple of the stride {stride}; choose one"
    with pytest.raises(ValueError, match=message):
        decimated(be, spectrum(rng, grid), grid, stride)


@pytest.mark.parametrize("stride", [0, -2, 1.5, float("nan"), float("inf")])
def test_a_stride_that_is_no_whole_number_above_zero_is_refused(be, rng, stride):
    with pytest.raises(ValueError, match=f"^decimate: the stride must be a whole number above 0, got {stride}$"):
        decimated(be, spectrum(rng, (4, 6)), (4, 6), stride)


def test_a_spectrum_without_a_grid_or_of_another_shape_is_refused(be, rng):
    X = spectrum(rng, (4, 6))
    with pytest.raises(ValueError, match=r"^decimate: expected a spectrum made by rfft2, got a tensor of shape \(4, 4"):
        ops.decimate(Tensor(be.asarray(X)), 2)
    for array in (X[:2], X.real.copy(), X[..., 0]):
        with pytest.raises(ValueError, match=r"^decimate: expected a complex spectrum of \(4, 4\) x batch x channels"):
            decimated(be, array, (4, 6), 2)
