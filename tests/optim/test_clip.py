"""Clipping: one norm for all gradients, the direction stays."""

import math

import numpy as np
import pytest

from specframe.layers import Linear, Parameter
from specframe.optim import clip_grad_norm
from tests.kit.strict import STRICT, count_waits


def with_gradients(be, *gradients):
    parameters = [Parameter(be.asarray(np.zeros_like(g))) for g in gradients]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = be.asarray(g)
    return parameters


def test_gradients_above_the_norm_are_scaled_down_together(be):
    parameters = with_gradients(be, np.array([3.0, 0.0]), np.array([[4.0]]))
    assert clip_grad_norm(parameters, 1.0) == pytest.approx(5.0)
    np.testing.assert_allclose(be.to_host(parameters[0].grad), [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(be.to_host(parameters[1].grad), [[0.8]], rtol=1e-6)


def test_gradients_below_the_norm_stay(be):
    (p,) = with_gradients(be, np.array([3.0, 4.0]))
    gradient = p.grad
    assert clip_grad_norm([p], 5.1) == pytest.approx(5.0) and p.grad is gradient


def test_both_parts_of_complex_gradients_count(be):
    (p,) = with_gradients(be, np.array([3 + 4j], np.complex64))
    assert clip_grad_norm([p], 1.0) == pytest.approx(5.0)
    assert p.grad.dtype == np.complex64
    np.testing.assert_allclose(be.to_host(p.grad), [0.6 + 0.8j], rtol=1e-6)


def test_large_gradients_in_single_precision_have_a_norm(be):
    (p,) = with_gradients(be, np.array([3e30, 4e30], np.float32))
    assert clip_grad_norm([p], 1.0) == pytest.approx(5e30)
    assert p.grad.dtype == np.float32
    np.testing.assert_allclose(be.to_host(p.grad), [0.6, 0.8], rtol=1e-6)


def test_one_array_that_two_parameters_share_is_scaled_once(be):
    p, q = with_gradients(be, np.array([3.0]), np.array([4.0]))
    p.grad = q.grad
    clip_grad_norm([p, q], math.sqrt(8.0))
    np.testing.assert_allclose(be.to_host(p.grad), [2.0], rtol=1e-6)
    np.testing.assert_allclose(be.to_host(q.grad), [2.0], rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_is_told_and_changes_nothing(be, value):
    p, q = with_gradients(be, np.array([value]), np.array([4.0]))
    assert not math.isfinite(clip_grad_norm([p, q], 1.0))
    np.testing.assert_array_equal(be.to_host(q.grad), [4.0])


def test_a_module_will_do_and_parameters_without_a_gradient_do_not_count():
    layer = Linear(2, 1, rng=0)
    assert clip_grad_norm(layer, 1.0) == 0.0
    layer.weight.grad = np.full(layer.weight.shape, 2.0, np.float32)
    assert clip_grad_norm(layer, 1.0) == pytest.approx(math.sqrt(8))


def test_the_host_waits_once():
    parameters = with_gradients(STRICT, *(np.ones(3) for _ in range(4)))
    with count_waits() as waits:
        clip_grad_norm(parameters, 1.0)
    assert waits() == 1


def test_what_cannot_be_clipped_is_refused():
    p = Parameter(np.ones(1))
    with pytest.raises(ValueError, match=r"^clip_grad_norm: expected max_norm > 0, got 0.0$"):
        clip_grad_norm([p], 0.0)
    with pytest.raises(ValueError, match=r"^clip_grad_norm: one Parameter is given twice"):
        clip_grad_norm([p, p], 1.0)
