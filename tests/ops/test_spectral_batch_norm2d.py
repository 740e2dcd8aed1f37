"""spectral_batch_norm2d: spatial batch normalisation of the padded map, value, gradients and running statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from specframe.gradcheck import GradcheckError
from specframe.ops.spectral_batch_norm2d import SpectralBatchNorm2d
from specframe.spectrum import Spectrum, column_weights, hermitian_edges
from specframe.tape import apply
from tests.kit.oracles import dft2, idft2
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, on_grid, run, value

GRIDS = [(4, 6), (5, 4), (3, 7), (6, 5), (2, 2), (1, 3), (3, 1)]
every_grid = pytest.mark.parametrize("grid", GRIDS)
norms = pytest.mark.parametrize("norm", ["ortho", "backward"])
GAMMA, BETA = np.array([0.5, -1.5, 0.0]), np.array([0.3, -2.0, 1.0])


def spectrum_of_maps(rng, grid, batch=2, channels=3, norm="ortho"):
    """Of maps with a mean that is not zero."""
    x = normal(rng, (*grid, batch, channels)) * np.arange(1, channels + 1) + np.arange(channels)
    return dft2(x, grid, norm)


def any_spectrum(rng, grid, batch=2, channels=3):
    """Complex noise: its edge columns are not Hermitian, and bin (0, 0) is not real."""
    return normal(rng, (grid[0], grid[1] // 2 + 1, batch, channels), np.complex128)


def spectral(grid, norm="ortho", **options):
    return on_grid(lambda *a: ops.spectral_batch_norm2d(*a, **options), grid, norm)


def spatial(grid, norm="ortho", **options):
    """The same by way of the map: rfft2(batch_norm2d(irfft2(Y))) on the whole grid."""

    def through_space(Y, gamma, beta):
        y = ops.irfft2(Y, grid=grid, norm=norm)
        return ops.rfft2(ops.batch_norm2d(y, gamma, beta, **options), grid, norm)

    return through_space


def assert_all_close(results, expected, atol=1e-11):
    (y, gradients), (expected_y, expected_gradients) = results, expected
    for one, other in zip([y, *gradients], [expected_y, *expected_gradients], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=atol * max(1, abs(other).max()))


@norms
@every_grid
def test_each_channel_gets_mean_beta_and_deviation_gamma_in_space(be, rng, grid, norm):
    Z = value(be, spectral(grid, norm, eps=0), spectrum_of_maps(rng, grid, norm=norm), GAMMA, BETA)
    y = idft2(Z, grid, norm)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), BETA, rtol=0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), abs(GAMMA), rtol=0, atol=1e-12)


@norms
@every_grid
@pytest.mark.parametrize("draw", [spectrum_of_maps, any_spectrum])
def test_value_and_gradients_equal_those_in_space(be, rng, grid, norm, draw):
    Y, gZ = draw(rng, grid), any_spectrum(rng, grid)
    results = run(be, spectral(grid, norm), Y, GAMMA, BETA, gy=gZ)
    assert_all_close(results, run(be, spatial(grid, norm), Y, GAMMA, BETA, gy=gZ))


@norms
@every_grid
def test_gradients_agree_with_finite_differences(be, rng, grid, norm):
    gamma = np.array([0.5, -1.5, 0.1])
    gradcheck(spectral(grid, norm), *map(be.asarray, (any_spectrum(rng, grid), gamma, BETA)))


@given(P=st.integers(1, 5), W=st.integers(2, 6), batch=st.integers(1, 3), channels=st.integers(1, 3))
def test_all_shapes(be, P, W, batch, channels):
    rng, grid = np.random.default_rng(1), (P, W)
    Y, gZ = any_spectrum(rng, grid, batch, channels), any_spectrum(rng, grid, batch, channels)
    arrays = Y, normal(rng, channels), normal(rng, channels)
    assert_all_close(run(be, spectral(grid), *arrays, gy=gZ), run(be, spatial(grid), *arrays, gy=gZ))


@norms
def test_evaluation_uses_the_running_statistics_and_its_gradients_are_exact(be, rng, norm):
    grid, Y = (4, 5), any_spectrum(rng, (4, 5))
    mean, variance = np.array([0.1, 2.0, -1.0]), np.array([1.0, 4.0, 0.3])
    options = {"running": (be.asarray(mean), be.asarray(variance)), "training": False}
    gZ = any_spectrum(rng, grid)
    results = run(be, spectral(grid, norm, **options), Y, GAMMA, BETA, gy=gZ)
    assert_all_close(results, run(be, spatial(grid, norm, **options), Y, GAMMA, BETA, gy=gZ))
    gradcheck(spectral(grid, norm, **options), *map(be.asarray, (Y, GAMMA, BETA)), linear=True, rtol=1e-8)
    np.testing.assert_array_equal(be.to_host(options["running"][0]), mean)  # evaluation leaves them alone
    np.testing.assert_array_equal(be.to_host(options["running"][1]), variance)


@norms
def test_running_statistics_move_as_in_space(be, rng, norm):
    grid, after = (4, 5), []
    Y = spectrum_of_maps(rng, grid, norm=norm)
    for make in (spectral, spatial):
        running = be.asarray(np.full(3, 10.0)), be.asarray(np.full(3, 20.0))
        for _ in range(2):
            value(be, make(grid, norm, running=running, momentum=0.25), Y, GAMMA, BETA)
        after.append([be.to_host(array) for array in running])
    np.testing.assert_allclose(after[0], after[1], rtol=1e-12)
    assert not np.allclose(after[0][0], 10)


def test_momentum_one_takes_the_batch_s_mean_and_unbiased_variance(be, rng):
    grid, running = (4, 6), (be.asarray(np.zeros(3)), be.asarray(np.ones(3)))
    Y = spectrum_of_maps(rng, grid)
    value(be, spectral(grid, running=running, momentum=1.0), Y, GAMMA, BETA)
    x = idft2(Y, grid)
    np.testing.assert_allclose(be.to_host(running[0]), x.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(be.to_host(running[1]), x.var(axis=(0, 1, 2), ddof=1), rtol=1e-12)


@pytest.mark.parametrize("norm", ["ortho", "backward"])
def test_a_far_mean_does_not_cancel_in_single_precision(be, rng, norm):
    grid = (8, 8)
    exact = normal(rng, (*grid, 4, 1)) + 3000
    Y = dft2(exact, grid, norm).astype(np.complex64)
    Z = value(be, spectral(grid, norm), Y, np.ones(1, np.float32), np.zeros(1, np.float32))
    assert Z.dtype == np.complex64
    np.testing.assert_allclose(idft2(Z, grid, norm), (exact - exact.mean()) / exact.std(), atol=2e-3)


def test_batch_one_and_one_channel_in_single_precision(be, rng):
    Y, gZ = (any_spectrum(rng, (5, 6), 1, 1).astype(np.complex64) for _ in range(2))
    arrays = Y, np.array([1.3], np.float32), np.array([0.2], np.float32)
    results = run(be, spectral((5, 6)), *arrays, gy=gZ)
    assert_all_close(results, run(be, spatial((5, 6)), *arrays, gy=gZ), atol=1e-4)


@norms
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_a_constant_map_becomes_beta_and_gives_gamma_no_gradient(be, norm, dtype):
    constants, real = np.array([0.1, -1234.567, 7.0]), dtype(0).real.dtype
    Y = np.zeros((3, 3, 5, 3), dtype)  # the grid is 3 x 4
    Y[0, 0] = constants * Spectrum((3, 4), (3, 4), norm).dc_gain
    arrays = Y, GAMMA.astype(real), BETA.astype(real)
    Z, (gY, ggamma, _) = run(be, spectral((3, 4), norm), *arrays, gy=np.ones(Y.shape, dtype))
    np.testing.assert_allclose(idft2(Z, (3, 4), norm), np.broadcast_to(BETA, (3, 4, 5, 3)), rtol=1e-6)
    assert not ggamma.any() and np.isfinite(gY).all()


@pytest.mark.parametrize("training", [True, False])
def test_an_empty_batch_gives_empty_spectra_zero_gradients_and_moves_no_statistics(be, training):
    running = be.asarray(np.full(3, 2.0)), be.asarray(np.full(3, 5.0))
    fn = spectral((4, 5), running=running, training=training)
    Z, (gY, ggamma, gbeta) = run(be, fn, np.zeros((4, 3, 0, 3), complex), GAMMA, BETA)
    assert Z.shape == gY.shape == (4, 3, 0, 3) and not ggamma.any() and not gbeta.any()
    assert (be.to_host(running[0]) == 2).all() and (be.to_host(running[1]) == 5).all()


@pytest.mark.parametrize("training", [True, False])
def test_the_host_does_not_wait_for_the_device(rng, training):
    leaves = [Tensor(STRICT.asarray(a), requires_grad=True) for a in (any_spectrum(rng, (4, 5)), GAMMA, BETA)]
    running = STRICT.asarray(np.zeros(3)), STRICT.asarray(np.ones(3))
    with count_waits() as waits:
        with Tape("dense") as tape:
            Z = spectral((4, 5), running=running, training=training)(*leaves)
        tape.backward(Z, STRICT.xp.ones(Z.shape, complex))
    assert waits() == 0


def test_the_spectrum_s_metadata_is_passed_on(be, rng):
    Y = Tensor(be.asarray(any_spectrum(rng, (4, 5))))
    Y.spectrum = Spectrum((4, 5), (3, 3), "backward", active=np.ones((4, 3), bool))
    Z = ops.spectral_batch_norm2d(Y, Tensor(be.asarray(GAMMA)), Tensor(be.asarray(BETA)))
    assert Z.spectrum == Y.spectrum
    assert Z.spectrum.active is None  # beta may fill bin (0, 0)


# ---- what is saved ---------------------------------------------------------------------------------------------


def convolved(be, rng, store, gamma=GAMMA):
    """x and weight through convolution and normalisation; the leaves, the result and the tape."""
    arrays = normal(rng, (6, 5, 2, 2)), normal(rng, (3, 2, 3, 3)), gamma, BETA
    leaves = [Tensor(be.asarray(array), requires_grad=True) for array in arrays]
    with Tape(store) as tape:
        Y = ops.spectral_conv2d(ops.rfft2(leaves[0] * 1, (8, 7)), leaves[1])
        Z = ops.spectral_batch_norm2d(Y, *leaves[2:])
    return leaves, Y, Z, tape


def test_after_a_convolution_its_input_is_made_again_from_what_the_convolution_keeps(be, rng):
    leaves, Y, Z, tape = convolved(be, rng, "dense")
    rows = {row.array: row for row in tape.ledger.rows if row.op == "spectral_batch_norm2d"}
    assert (rows["Y"].shape, rows["Y"].format, rows["Y"].nbytes) == (Y.shape, "remade", 0)
    assert tape.ledger.nbytes == leaves[0].data.nbytes  # the map that rfft2 saw: no spectrum at all
    gZ = any_spectrum(rng, (8, 7))
    tape.backward(Z, be.asarray(gZ))

    kept = Tensor(Y.data, requires_grad=True)  # the same spectrum, kept whole
    gamma, beta = (Tensor(leaf.data, requires_grad=True) for leaf in leaves[2:])
    with Tape("dense") as tape:
        Z = spectral((8, 7))(kept, gamma, beta)
    tape.backward(Z, be.asarray(gZ))
    for again, expected in ((leaves[2], gamma), (leaves[3], beta)):
        np.testing.assert_allclose(be.to_host(again.grad), be.to_host(expected.grad), rtol=1e-12)


def test_the_convolution_and_the_normalisation_together(be, rng):
    def fn(x, weight, gamma, beta):
        Y = ops.spectral_conv2d(ops.rfft2(x, (8, 7)), weight)
        return ops.irfft2(ops.spectral_batch_norm2d(Y, gamma, beta))

    arrays = normal(rng, (6, 5, 2, 2)), normal(rng, (3, 2, 3, 3)), np.array([0.5, -1.5, 2.0]), BETA
    for store in ("dense", "auto"):
        gradcheck(fn, *map(be.asarray, arrays), store=store)


# ---- wrong rules -----------------------------------------------------------------------------------------------


class WithoutColumnWeights(SpectralBatchNorm2d):
    """gY lacks the m of the energy: H ggamma / (N d^2) for every column alike."""

    @staticmethod
    def backward(ctx, gZ):
        gY, ggamma, gbeta = SpectralBatchNorm2d.backward(ctx, gZ)
        b, s, gamma = ctx.backend, ctx.spectrum, ctx["gamma"].dense()
        H = hermitian_edges(ctx.xp, ctx["Y"].dense(), s.grid[1])
        H[0, 0] -= ctx.mu * s.dc_gain
        missing = b.asarray(column_weights(s.grid[1])[:, None, None] - 1) * H
        return gY + missing * (ggamma * gamma / ctx.sigma**2 / (gZ.shape[2] * s.dc_gain**2)), ggamma, gbeta


class WithFixedStatistics(SpectralBatchNorm2d):
    """gY = gamma / sigma gZ, as in evaluation: the statistics depend on Y too."""

    @staticmethod
    def backward(ctx, gZ):
        _, ggamma, gbeta = SpectralBatchNorm2d.backward(ctx, gZ)
        gY = hermitian_edges(ctx.xp, gZ, ctx.spectrum.grid[1]) * (ctx["gamma"].dense() / ctx.sigma)
        return gY, ggamma, gbeta


class WithFixedMean(SpectralBatchNorm2d):
    """The mean is taken for a constant: gbeta / (N d) is missing in bin (0, 0)."""

    @staticmethod
    def backward(ctx, gZ):
        gY, ggamma, gbeta = SpectralBatchNorm2d.backward(ctx, gZ)
        gY[0, 0] += gbeta / (gZ.shape[2] * ctx.spectrum.dc_gain) * (ctx["gamma"].dense() / ctx.sigma)
        return gY, ggamma, gbeta


class WithColumnWeightsInGamma(SpectralBatchNorm2d):
    """ggamma weighted by m, which gZ has seen already."""

    @staticmethod
    def backward(ctx, gZ):
        m = ctx.backend.asarray(column_weights(ctx.spectrum.grid[1])[:, None, None])
        gY, _, gbeta = SpectralBatchNorm2d.backward(ctx, gZ)
        return gY, SpectralBatchNorm2d.backward(ctx, gZ * m)[1], gbeta


class WithoutGain(SpectralBatchNorm2d):
    """gbeta = Re sum gZ[0, 0]: the d of a constant map is missing."""

    @staticmethod
    def backward(ctx, gZ):
        gY, ggamma, gbeta = SpectralBatchNorm2d.backward(ctx, gZ)
        return gY, ggamma, gbeta / ctx.spectrum.dc_gain


class WithoutHermitianPart(SpectralBatchNorm2d):
    """The cotangent's edge columns taken whole, though only their Hermitian part came from Y."""

    @staticmethod
    def backward(ctx, gZ):
        gY, ggamma, gbeta = SpectralBatchNorm2d.backward(ctx, gZ)
        other = gZ - hermitian_edges(ctx.xp, gZ, ctx.spectrum.grid[1])
        return gY + other * (ctx["gamma"].dense() / ctx.sigma), ggamma, gbeta


RULES = {  # wrong rule: the input at which it is rejected
    WithoutColumnWeights: 0, WithFixedStatistics: 0, WithFixedMean: 0, WithColumnWeightsInGamma: 1, WithoutGain: 2,
    WithoutHermitianPart: 0,
}  # fmt: skip


@norms
@pytest.mark.parametrize("grid", [(4, 6), (4, 5)])
@pytest.mark.parametrize("wrong", RULES)
def test_wrong_rules_are_rejected(be, rng, grid, norm, wrong):
    arrays = [be.asarray(a) for a in (any_spectrum(rng, grid), np.array([0.5, -1.5, 2.0]), BETA)]
    options = {"running": None, "training": True, "momentum": 0.1, "eps": 1e-5, "s": Spectrum(grid, grid, norm)}
    gradcheck(lambda *a: apply(SpectralBatchNorm2d, *a, **options), *arrays)
    with pytest.raises(GradcheckError, match=f"^gradcheck: input {RULES[wrong]}, .* finite differences give"):
        gradcheck(lambda *a: apply(wrong, *a, **options), *arrays)


# ---- what is refused -------------------------------------------------------------------------------------------


def norm_of(be, Y=(4, 3, 2, 2), gamma=(2,), beta=(2,), dtypes=("complex128", "float64", "float64"), **options):
    tensors = [Tensor(be.xp.ones(shape, dtype)) for shape, dtype in zip((Y, gamma, beta), dtypes, strict=True)]
    return spectral(options.pop("grid", (4, 5)), **options)(*tensors)


def test_shapes_that_do_not_fit_are_refused(be):
    expected = r"^spectral_batch_norm2d: expected a complex spectrum of \(4, 3\) x batch x channels, got "
    for shape in ((4, 3, 2), (3, 3, 2, 2)):
        with pytest.raises(ValueError, match=expected):
            norm_of(be, Y=shape)
    with pytest.raises(ValueError, match=expected + r"\(4, 3, 2, 2\) float64$"):
        norm_of(be, dtypes=("float64",) * 3)
    with pytest.raises(ValueError, match=r"^spectral_batch_norm2d: 2 channels, but gamma \(3,\) and beta \(2,\)$"):
        norm_of(be, gamma=(3,))
    with pytest.raises(ValueError, match=r"^spectral_batch_norm2d: 2 channels, but gamma \(2,\) and beta \(2, 1\)$"):
        norm_of(be, beta=(2, 1))


@pytest.mark.parametrize("dtypes", [("complex64", "float64", "float32"), ("complex64", "float32", "float64")])
def test_parameters_of_another_precision_are_refused(be, dtypes):
    message = r"^spectral_batch_norm2d: a complex64 spectrum needs float32 gamma and beta, got .*float64"
    with pytest.raises(ValueError, match=message):
        norm_of(be, dtypes=dtypes)


def test_a_spectrum_without_a_grid_is_refused(be):
    ones = Tensor(be.xp.ones((4, 3, 2, 2), complex)), Tensor(be.xp.ones(2)), Tensor(be.xp.ones(2))
    with pytest.raises(ValueError, match=r"^spectral_batch_norm2d: expected a spectrum made by rfft2"):
        ops.spectral_batch_norm2d(*ones)


def test_evaluation_without_running_statistics_is_refused(be):
    with pytest.raises(ValueError, match=r"^spectral_batch_norm2d: evaluation needs running statistics$"):
        norm_of(be, training=False)


def test_training_on_one_entry_a_channel_is_refused(be):
    with pytest.raises(ValueError, match=r"^spectral_batch_norm2d: training needs more than one entry a channel$"):
        norm_of(be, Y=(1, 1, 1, 2), grid=(1, 1))
