"""batch_norm2d: statistics, gradients, evaluation, running statistics, precision at any gamma and beta."""

import numpy as np
import pytest

import specframe as sf
from specframe import Tape, Tensor, gradcheck, ops
from specframe.backend import to_host
from specframe.ops.batch_norm2d import moments, together
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, run, value

try:
    import torch
except ImportError:
    torch = None

GAMMAS = [[0.5, -1.5, 2.0], [0.5, 0.0, -2.0], [1e-3, 1e-40, 1e3]]
every_gamma = pytest.mark.parametrize("gamma", GAMMAS)


@pytest.fixture
def arrays(rng):
    return normal(rng, (4, 5, 2, 3)) * [1, 2, 0.5] + [0, 3, -1], np.array(GAMMAS[0]), normal(rng, 3)


def test_training_gives_each_channel_mean_beta_and_deviation_gamma(be, arrays):
    x, gamma, beta = arrays
    y = value(be, lambda *a: ops.batch_norm2d(*a, eps=0), x, gamma, beta)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), beta, rtol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), abs(gamma), rtol=1e-12)
    for c in range(3):
        one = x[..., c]
        expected = (one - one.mean()) / one.std() * gamma[c] + beta[c]
        np.testing.assert_allclose(y[..., c], expected, rtol=1e-11, atol=1e-12)


@every_gamma
def test_gradients_in_training(be, arrays, gamma):
    x, _, beta = arrays
    gradcheck(ops.batch_norm2d, *map(be.asarray, (x, np.array(gamma), beta)))


@every_gamma
def test_evaluation_uses_the_running_statistics_and_its_gradients_are_exact(be, arrays, gamma):
    x, _, beta = arrays
    gamma = np.array(gamma)
    mean, variance = np.array([0.1, 2.0, -1.0]), np.array([1.0, 4.0, 0.3])
    running = be.asarray(mean.copy()), be.asarray(variance.copy())

    def norm(x, gamma, beta):
        return ops.batch_norm2d(x, gamma, beta, running, training=False)

    expected = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    np.testing.assert_allclose(value(be, norm, x, gamma, beta), expected, rtol=1e-12, atol=1e-13)
    gradcheck(norm, *map(be.asarray, (x, gamma, beta)), linear=True, rtol=1e-8)
    np.testing.assert_array_equal(be.to_host(running[0]), mean)  # evaluation leaves them alone
    np.testing.assert_array_equal(be.to_host(running[1]), variance)


def test_running_statistics_of_another_precision_do_not_change_that_of_the_maps(be, arrays):
    arrays = [array.astype(np.float32) for array in arrays]
    running = be.asarray(np.zeros(3)), be.asarray(np.ones(3))
    for training in (True, False):
        y, gradients = run(be, lambda *a, t=training: ops.batch_norm2d(*a, running, t), *arrays)
        assert {y.dtype, *(g.dtype for g in gradients)} == {np.dtype(np.float32)}
    assert running[0].dtype == np.float64


def test_training_updates_the_running_statistics_in_place(be, arrays):
    x, gamma, beta = arrays
    running = be.asarray(np.full(3, 10.0)), be.asarray(np.full(3, 20.0))
    for _ in range(2):
        value(be, lambda *a: ops.batch_norm2d(*a, running, momentum=0.25), x, gamma, beta)
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2), ddof=1)
    keep = 0.75**2
    np.testing.assert_allclose(be.to_host(running[0]), keep * 10 + (1 - keep) * mean, rtol=1e-12)
    np.testing.assert_allclose(be.to_host(running[1]), keep * 20 + (1 - keep) * variance, rtol=1e-12)


def test_the_moments_of_parts_together_are_those_of_the_whole(be, rng):
    x = be.asarray(normal(rng, (3, 4, 6, 2)) + 5)
    parts = [x[:, :, :1] - 3, x[:, :, 1:3], x[:, :, 3:] * 2, x[:, :, :0]]
    whole = moments(be.xp.concatenate(parts, axis=2))
    for found, expected in zip(together([moments(part) for part in parts]), whole, strict=True):
        np.testing.assert_allclose(to_host(found), to_host(expected), rtol=1e-13)


def test_a_far_mean_does_not_cancel_in_single_precision(be, rng):
    x = (normal(rng, (8, 8, 4, 1)) + 3000).astype(np.float32)
    y = value(be, ops.batch_norm2d, x, np.ones(1, np.float32), np.zeros(1, np.float32))
    exact = x.astype(np.float64)
    np.testing.assert_allclose(y, (exact - exact.mean()) / exact.std(), atol=2e-3)


def test_one_channel_and_batch_one(be, rng):
    gradcheck(ops.batch_norm2d, *map(be.asarray, (normal(rng, (3, 4, 1, 1)), np.array([1.3]), np.array([0.2]))))


# ---- precision -------------------------------------------------------------------------------------------------

MAPS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "far from zero": lambda rng, shape: rng.standard_normal(shape) + 30,
    "constant": lambda rng, shape: np.full(shape, 0.7),
    "a large constant": lambda rng, shape: np.full(shape, 1234.567),
    "nearly constant": lambda rng, shape: 1e-3 * rng.standard_normal(shape) + 0.5,
    "nearly zero": lambda rng, shape: 1e-4 * rng.standard_normal(shape),
}
GRID = [(gamma, beta) for gamma in (1e-6, 1e-3, 0.1, 1, 30, 1e3) for beta in (0, 1e-3, 0.3, 2, 50, 1e3)]
EPS = np.finfo(np.float32).eps


def errors(results, exact):
    """Largest error of gx, ggamma and gbeta."""
    return [abs(one - other).max() for one, other in zip(results, exact, strict=True)]


def torchs(x, gamma, beta, gy, precision):
    """PyTorch's gradients."""
    given = (x.transpose(2, 3, 0, 1), gamma, beta)
    leaves = [torch.tensor(np.ascontiguousarray(a), dtype=precision, requires_grad=True) for a in given]
    y = torch.nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], training=True, eps=1e-5)
    y.backward(torch.tensor(np.ascontiguousarray(gy.transpose(2, 3, 0, 1)), dtype=precision))
    gx, ggamma, gbeta = (leaf.grad.numpy() for leaf in leaves)
    return gx.transpose(2, 3, 0, 1), ggamma, gbeta


@pytest.mark.parametrize("kind", MAPS)
def test_in_single_precision_gradients_are_as_good_as_torch_s_at_every_gamma_and_beta(be, rng, kind):
    for gamma, beta in GRID:
        x, gy = MAPS[kind](rng, (8, 8, 4, 8)).astype(np.float32), rng.standard_normal((8, 8, 4, 8)).astype(np.float32)
        arrays = x, np.full(8, gamma, np.float32), np.full(8, beta, np.float32)
        with sf.reference():
            _, exact = run(be, ops.batch_norm2d, *(a.astype(np.float64) for a in arrays), gy=gy.astype(np.float64))
        _, own = run(be, ops.batch_norm2d, *arrays, gy=gy)
        if torch is not None:
            allowed = [3 * e for e in errors(torchs(*arrays, gy, torch.float32), exact)]
        else:
            far = {"far from zero": 60, "nearly constant": 1000}.get(kind, 6)  # x itself is only known to EPS |x|
            allowed = [far * EPS * abs(g).max() for g in exact]
        for e, limit, g in zip(errors(own, exact), allowed, exact, strict=True):
            assert e <= max(limit, 2 * EPS * abs(g).max()), (gamma, beta)


@pytest.mark.skipif(torch is None, reason="PyTorch, the second opinion, is not installed")
def test_the_float64_gradients_of_that_test_are_torch_s(be, rng):
    for gamma, beta in GRID:
        x, gy = normal(rng, (4, 4, 2, 3)), normal(rng, (4, 4, 2, 3))
        arrays = x, np.full(3, float(gamma)), np.full(3, float(beta))
        _, own = run(be, ops.batch_norm2d, *arrays, gy=gy)
        for one, other in zip(own, torchs(*arrays, gy, torch.float64), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * abs(other).max())


def test_a_constant_map_becomes_beta_exactly_and_gives_gamma_no_gradient(be, rng):
    constants = np.array([0.1, -1234.567, 1e-20, 0, 3.3e7], np.float32)
    x, beta = np.broadcast_to(constants, (5, 7, 3, 5)).copy(), normal(rng, 5, np.float32)
    y, (_, ggamma, _) = run(be, ops.batch_norm2d, x, np.ones(5, np.float32), beta, gy=normal(rng, x.shape, np.float32))
    np.testing.assert_array_equal(y, np.broadcast_to(beta, x.shape))
    np.testing.assert_array_equal(ggamma, 0)


# ---- an empty batch, a device ------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
def test_an_empty_batch_gives_empty_maps_zero_gradients_and_moves_no_statistics(be, training):
    running = be.asarray(np.full(3, 2.0)), be.asarray(np.full(3, 5.0))
    arrays = np.zeros((4, 5, 0, 3)), np.ones(3), np.array([0.0, 1.0, 100.0])
    y, (gx, ggamma, gbeta) = run(be, lambda *a: ops.batch_norm2d(*a, running, training), *arrays)
    assert y.shape == gx.shape == (4, 5, 0, 3) and not ggamma.any() and not gbeta.any()
    assert (be.to_host(running[0]) == 2).all() and (be.to_host(running[1]) == 5).all()


@pytest.mark.parametrize("training", [True, False])
def test_the_host_does_not_wait_for_the_device(rng, training):
    leaves = [Tensor(STRICT.asarray(normal(rng, s)), requires_grad=True) for s in ((4, 5, 2, 3), (3,), (3,))]
    running = STRICT.asarray(np.zeros(3)), STRICT.asarray(np.ones(3))
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = ops.batch_norm2d(*leaves, running, training)
        tape.backward(y, STRICT.xp.ones(y.shape))
    assert waits() == 0


# ---- what is refused -------------------------------------------------------------------------------------------


def norm(be, x=(3, 3, 2, 2), gamma=(2,), beta=(2,), dtypes=("float64",) * 3, **options):
    tensors = (Tensor(be.xp.ones(shape, dtype)) for shape, dtype in zip((x, gamma, beta), dtypes, strict=True))
    return ops.batch_norm2d(*tensors, **options)


def test_shapes_that_do_not_fit_are_refused(be):
    with pytest.raises(ValueError, match=r"^batch_norm2d: expected real maps .*, got \(3, 3, 2\) float64$"):
        norm(be, x=(3, 3, 2))
    with pytest.raises(ValueError, match=r"^batch_norm2d: expected real maps .*, got \(3, 3, 2, 2\) complex128$"):
        norm(be, dtypes=("complex128", "float64", "float64"))
    with pytest.raises(ValueError, match=r"^batch_norm2d: 2 channels, but gamma \(3,\) and beta \(2,\)$"):
        norm(be, gamma=(3,))
    with pytest.raises(ValueError, match=r"^batch_norm2d: 2 channels, but gamma \(2,\) and beta \(2, 1\)$"):
        norm(be, beta=(2, 1))


@pytest.mark.parametrize("dtypes", [("float32", "float64", "float32"), ("float32", "float32", "float64")])
def test_parameters_of_another_precision_are_refused(be, dtypes):
    with pytest.raises(ValueError, match=r"^batch_norm2d: .*float32.*float64"):
        norm(be, dtypes=dtypes)


def test_evaluation_without_running_statistics_is_refused(be):
    with pytest.raises(ValueError, match=r"^batch_norm2d: evaluation needs running statistics$"):
        norm(be, training=False)


def test_training_on_one_entry_a_channel_is_refused(be):
    with pytest.raises(ValueError, match=r"^batch_norm2d: training needs more than one entry a channel$"):
        norm(be, x=(1, 1, 1, 2))
