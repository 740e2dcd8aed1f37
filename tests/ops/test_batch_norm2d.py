"""batch_norm2d: statistics, gradients from the saved output and from h, evaluation, running statistics."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from specframe.ops.batch_norm2d import GAMMA_MIN
from tests.ops.common import normal, run, value

GAMMAS = {"saves y": [0.5, -1.5, 2.0], "saves h": [0.5, 0.0, -2.0]}  # one below GAMMA_MIN: h for all channels


@pytest.fixture
def arrays(rng):
    return normal(rng, (4, 5, 2, 3)) * [1, 2, 0.5] + [0, 3, -1], np.array(GAMMAS["saves y"]), normal(rng, 3)


def test_training_gives_each_channel_mean_beta_and_deviation_gamma(be, arrays):
    x, gamma, beta = arrays
    y = value(be, lambda *a: ops.batch_norm2d(*a, eps=0), x, gamma, beta)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), beta, rtol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), abs(gamma), rtol=1e-12)
    for c in range(3):
        one = x[..., c]
        expected = (one - one.mean()) / one.std() * gamma[c] + beta[c]
        np.testing.assert_allclose(y[..., c], expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("saved", GAMMAS)
def test_gradients_in_training(be, arrays, saved):
    x, _, beta = arrays
    gamma = np.array(GAMMAS[saved])
    gradcheck(ops.batch_norm2d, *map(be.asarray, (x, gamma, beta)))
    with Tape() as tape:
        ops.batch_norm2d(*(Tensor(be.asarray(a), requires_grad=True) for a in (x, gamma, beta)))
    assert [row.array for row in tape.ledger.rows if row.nbytes] == [saved.removeprefix("saves ")]
    assert tape.ledger.nbytes == x.nbytes


def test_gradients_through_thesaved_output_and_through_h_agree_on_either_side_of_the_limit(be, arrays):
    x, _, beta = arrays
    gy = np.random.default_rng(1).standard_normal(x.shape)
    results = [
        run(be, lambda x, beta, g=g: ops.batch_norm2d(x, Tensor(be.asarray(np.full(3, g))), beta), x, beta, gy=gy)[1]
        for g in (GAMMA_MIN * (1 + 1e-9), GAMMA_MIN * (1 - 1e-9))
    ]
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("saved", GAMMAS)
def test_evaluation_uses_the_running_statistics_and_its_gradients_are_exact(be, arrays, saved):
    x, _, beta = arrays
    gamma = np.array(GAMMAS[saved])
    mean, variance = np.array([0.1, 2.0, -1.0]), np.array([1.0, 4.0, 0.3])
    running = be.asarray(mean.copy()), be.asarray(variance.copy())

    def norm(x, gamma, beta):
        return ops.batch_norm2d(x, gamma, beta, running, training=False)

    expected = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    np.testing.assert_allclose(value(be, norm, x, gamma, beta), expected, rtol=1e-12, atol=1e-13)
    gradcheck(norm, *map(be.asarray, (x, gamma, beta)), linear=True, rtol=1e-8)
    np.testing.assert_array_equal(be.to_host(running[0]), mean)  # evaluation leaves them alone
    np.testing.assert_array_equal(be.to_host(running[1]), variance)


def test_training_updates_the_running_statistics_in_place(be, arrays):
    x, gamma, beta = arrays
    running = be.asarray(np.full(3, 10.0)), be.asarray(np.full(3, 20.0))
    for _ in range(2):
        value(be, lambda *a: ops.batch_norm2d(*a, running, momentum=0.25), x, gamma, beta)
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2), ddof=1)
    keep = 0.75**2
    np.testing.assert_allclose(be.to_host(running[0]), keep * 10 + (1 - keep) * mean, rtol=1e-12)
    np.testing.assert_allclose(be.to_host(running[1]), keep * 20 + (1 - keep) * variance, rtol=1e-12)


def test_a_far_mean_does_not_cancel_in_single_precision(be, rng):
    x = (normal(rng, (8, 8, 4, 1)) + 3000).astype(np.float32)
    y = value(be, ops.batch_norm2d, x, np.ones(1, np.float32), np.zeros(1, np.float32))
    exact = x.astype(np.float64)
    np.testing.assert_allclose(y, (exact - exact.mean()) / exact.std(), atol=2e-3)


def test_one_channel_and_batch_one(be, rng):
    gradcheck(ops.batch_norm2d, *map(be.asarray, (normal(rng, (3, 4, 1, 1)), np.array([1.3]), np.array([0.2]))))


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
