"""Batch normalisation: of the batch in training, of the running statistics in evaluation, in one axis or in two."""

import numpy as np
import pytest

from specframe import Tensor, gradcheck
from specframe.backend import to_host
from specframe.layers import BatchNorm1d, BatchNorm2d, BatchNormAct2d


def test_batch_norm_uses_the_batch_in_training_and_running_statistics_in_evaluation(be, rng):
    x = Tensor(be.asarray((rng.standard_normal((6, 5, 8, 3)) * [1, 2, 3] + [0, 5, -5]).astype(np.float32)))
    norm = BatchNorm2d(3, momentum=1.0).to(be)
    y = norm(x).numpy()
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, atol=1e-3)
    np.testing.assert_allclose(to_host(norm.running_mean), x.numpy().mean(axis=(0, 1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(to_host(norm.running_var), x.numpy().var(axis=(0, 1, 2), ddof=1), rtol=1e-4)
    norm.eval()
    statistics = [to_host(array).copy() for array in norm.buffers()]
    shifted = Tensor(x.data + 100)
    np.testing.assert_allclose(norm(shifted).numpy().mean(axis=(0, 1, 2)), 100 / np.sqrt(statistics[1]), rtol=1e-3)
    for array, before in zip(norm.buffers(), statistics, strict=True):
        np.testing.assert_array_equal(to_host(array), before)


def test_running_statistics_travel_with_the_state(rng):
    norm, other = BatchNorm2d(3), BatchNorm2d(3)
    for _ in range(3):
        norm(Tensor(rng.standard_normal((4, 4, 2, 3)).astype(np.float32) + 2))
    other.load_state_dict(norm.state_dict())
    x = Tensor(rng.standard_normal((4, 4, 2, 3)).astype(np.float32))
    np.testing.assert_array_equal(other.eval()(x).data, norm.eval()(x).data)


# ---- features --------------------------------------------------------------------------------------------------


def test_batch_norm1d_normalises_each_feature_over_the_batch(be, rng):
    x = (rng.standard_normal((8, 3)) * [1, 2, 3] + [0, 5, -5]).astype(np.float64)
    norm = BatchNorm1d(3, momentum=0.25, eps=1e-3, dtype=np.float64).to(be)
    norm.weight.data, norm.bias.data = be.asarray(np.array([1.0, 2.0, -1.0])), be.asarray(np.array([0.5, 0.0, 3.0]))
    expected = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3) * [1, 2, -1] + [0.5, 0, 3]
    np.testing.assert_allclose(norm(Tensor(be.asarray(x))).numpy(), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(to_host(norm.running_mean), 0.25 * x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(to_host(norm.running_var), 0.75 + 0.25 * x.var(axis=0, ddof=1), rtol=1e-12)
    expected = (x - to_host(norm.running_mean)) / np.sqrt(to_host(norm.running_var) + 1e-3) * [1, 2, -1] + [0.5, 0, 3]
    np.testing.assert_allclose(norm.eval()(Tensor(be.asarray(x))).numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_batch_norm1d(be, rng, training):
    norm = BatchNorm1d(3, dtype=np.float64).to(be).train(training)

    def fn(x, weight, bias):
        norm.weight, norm.bias = weight, bias
        return norm(x)

    gradcheck(fn, *(be.asarray(rng.standard_normal(shape)) for shape in ((5, 3), 3, 3)))


def test_batch_norm1d_refuses_maps():
    with pytest.raises(ValueError, match=r"^BatchNorm1d: expected \(batch, 3\), got \(2, 2, 4, 3\)$"):
        BatchNorm1d(3)(np.ones((2, 2, 4, 3), np.float32))


def test_batch_norm_act2d_is_batch_norm2d_and_leaky_relu(be, rng):
    x = Tensor(be.asarray(rng.standard_normal((4, 5, 3, 2)).astype(np.float32)))
    y = BatchNorm2d(2).to(be)(x).numpy()
    np.testing.assert_allclose(BatchNormAct2d(2, 0.2).to(be)(x).numpy(), np.where(y > 0, y, 0.2 * y), atol=1e-6)
