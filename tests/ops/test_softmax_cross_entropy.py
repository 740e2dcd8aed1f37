"""softmax_cross_entropy: value, gradient, huge logits, shift invariance, and labels that are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, value


def loss(labels):
    return lambda x: ops.softmax_cross_entropy(x, x.backend.asarray(np.asarray(labels)))


@pytest.mark.parametrize("labels", [[0], [2, 0, 1], [1, 1, 1, 1]])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_value_and_gradient(be, rng, labels, dtype):
    x, labels = normal(rng, (len(labels), 3)), np.array(labels, dtype)
    expected = -np.mean([np.log(np.exp(row[t]) / np.exp(row).sum()) for row, t in zip(x, labels, strict=True)])
    assert value(be, loss(labels), x) == pytest.approx(expected, rel=1e-13)
    gradcheck(loss(labels), be.asarray(x))


@given(shift=st.floats(-1e6, 1e6), batch=st.integers(1, 4), classes=st.integers(1, 5), seed=st.integers(0, 99))
def test_a_shift_of_all_logits_changes_nothing(be, shift, batch, classes, seed):
    rng = np.random.default_rng(seed)
    x, labels = normal(rng, (batch, classes)), rng.integers(0, classes, batch)
    y, (gx,) = run(be, loss(labels), x)
    shifted, (g_shifted,) = run(be, loss(labels), x + shift)
    np.testing.assert_allclose(shifted, y, rtol=0, atol=1e-9)
    np.testing.assert_allclose(g_shifted, gx, rtol=0, atol=1e-9)
    np.testing.assert_allclose(gx.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_logits_give_neither_overflow_nor_nan(be, dtype):
    x = np.array([[1e30, 0, -1e30], [-1e30, 0, 1e30]], dtype)
    y, (gx,) = run(be, loss([0, 1]), x)
    assert y == pytest.approx(0.5e30)  # right in the first row, wrong by 1e30 in the second
    np.testing.assert_array_equal(gx, np.array([[0, 0, 0], [0, -0.5, 0.5]], dtype))


def test_equal_logits_give_the_logarithm_of_the_number_of_classes(be):
    assert value(be, loss([3, 0]), np.zeros((2, 7))) == pytest.approx(np.log(7), rel=1e-15)


def test_one_class_has_no_loss_and_no_gradient(be):
    y, (gx,) = run(be, loss([0, 0]), np.array([[3.0], [-2.0]]))
    assert y == 0 and not gx.any()


def test_labels_may_come_as_a_tensor(be, rng):
    x, labels = Tensor(be.asarray(normal(rng, (2, 3)))), be.asarray(np.array([1, 2]))
    assert ops.softmax_cross_entropy(x, Tensor(labels)).item() == ops.softmax_cross_entropy(x, labels).item()


def test_labels_may_change_between_forward_and_backward(be, rng):
    """A loader that fills one array again and again must not spoil the gradient of the batch before."""
    x, labels = normal(rng, (3, 4)), be.asarray(np.array([1, 0, 3]))
    leaf = Tensor(be.asarray(x), requires_grad=True)
    with Tape() as tape:
        y = ops.softmax_cross_entropy(leaf, labels)
    labels[:] = 2
    tape.backward(y)
    np.testing.assert_array_equal(be.to_host(leaf.grad), run(be, loss([1, 0, 3]), x)[1][0])


def test_nan_logits_are_not_hidden(be):
    assert np.isnan(value(be, loss([0, 1]), np.array([[np.nan, 0.0], [0.0, 1.0]])))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.0, 1.0], "labels must be integers, got float64"),
        ([0.0, np.nan], "labels must be integers, got float64"),
        ([True, False], "labels must be integers, got bool"),
        ([0, 3], r"labels must lie in 0 \.\. 2, got 3"),
        ([-1, 0], r"labels must lie in 0 \.\. 2, got -1"),
        ([0, 1, 2], r"2 rows of logits, but labels of shape \(3,\)"),
        ([[0, 1]], r"2 rows of logits, but labels of shape \(1, 2\)"),
    ],
)
def test_labels_that_cannot_be_are_refused(be, labels, message):
    with pytest.raises(ValueError, match=f"^softmax_cross_entropy: {message}$"):
        loss(labels)(Tensor(be.xp.zeros((2, 3))))


def test_labels_that_are_no_array_are_refused(be):
    with pytest.raises(TypeError, match=r"^softmax_cross_entropy: expected a NumPy or CuPy array, got list$"):
        ops.softmax_cross_entropy(Tensor(be.xp.zeros((2, 3))), [0, 1])


@pytest.mark.parametrize(("shape", "dtype"), [((3,), "float64"), ((2, 3, 1), "float64"), ((2, 3), "complex128")])
def test_logits_of_another_kind_are_refused(be, shape, dtype):
    with pytest.raises(ValueError, match=r"^softmax_cross_entropy: expected real logits \(batch, classes\), got "):
        loss([0, 1])(Tensor(be.xp.zeros(shape, dtype)))


def test_an_empty_batch_is_refused(be):
    with pytest.raises(ValueError, match=r"^softmax_cross_entropy: the batch is empty$"):
        loss(np.zeros(0, int))(Tensor(be.xp.zeros((0, 3))))
