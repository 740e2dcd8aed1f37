"""detach, and NumPy's functions on Tensors: the numbers, and no gradient lost in silence."""

import numpy as np
import pytest

from specframe import Tape, Tensor, no_grad, ops
from tests.kit.strict import STRICT
from tests.ops.common import run, spectrum_tensor

X = np.array([[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]])


def test_what_is_detached_is_a_constant(be):
    _, (gradient,) = run(be, lambda x: x * ops.detach(x), np.array([3.0, 4.0]))
    np.testing.assert_array_equal(gradient, [3, 4])


def test_a_detached_tensor_is_another_one_of_the_same_array(be):
    x = spectrum_tensor(be, np.ones((4, 3, 1, 1), complex), (4, 5))
    x.requires_grad = True
    y = x.detach()
    assert y.data is x.data and y.uid != x.uid and not y.requires_grad and y.spectrum is x.spectrum


CALLS = [
    np.argmax, np.mean, np.sum, np.max, np.std, np.linalg.norm, np.sort, np.cumsum, np.zeros_like, np.shape, np.median,
    lambda x: np.argmax(x, axis=1), lambda x: np.sum(x, axis=0, keepdims=True), lambda x: np.concatenate([x, x]),
    lambda x: np.stack([x, X], axis=-1), lambda x: np.allclose(x, x), lambda x: np.where(x > 2, x, 0),
    lambda x: np.einsum("ij,ij->i", x, x), lambda x: np.clip(x, 1, 2), lambda x: np.reshape(x, (3, -1)),
    lambda x: np.split(x, 3, axis=1), lambda x: np.asarray(x), lambda x: np.interp(1.5, x[1, 1:], x[0, :2]),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda call: getattr(call, "__name__", ""))
def test_numpys_functions_give_what_they_give_of_the_array(call):
    x, expected = Tensor(X, requires_grad=True), call(X)
    result = call(x)
    assert type(result) is type(expected)
    np.testing.assert_array_equal(result, expected)


def test_where_a_tape_would_miss_a_gradient_numpys_functions_are_refused():
    x = Tensor(X, requires_grad=True)
    message = r"^np\.mean: the tape does not see it, and the gradient would be lost; use the Tensor's method or sf\.ops"
    with Tape():
        with pytest.raises(TypeError, match=message):
            np.mean(x)
        with pytest.raises(TypeError, match=r"^np\.split: "):
            np.split(x, 3, axis=1)
        with pytest.raises(TypeError, match=r"^np\.concatenate: "):
            np.concatenate([X, x])
        assert np.argmax(x) == 1 and np.array_equal(x, X) and np.zeros_like(x).shape == (2, 3)
        assert np.mean(x.detach()) == np.mean(Tensor(X)) == 2.5
        with no_grad():
            assert np.mean(x) == 2.5


def test_a_device_array_is_refused_in_a_sentence():
    x = Tensor(STRICT.xp.ones(3))
    for call in (np.argmax, np.asarray, lambda x: np.concatenate([np.ones(1), x])):
        with pytest.raises(TypeError, match=r"^Tensor: NumPy was given a tensor on strict; \.numpy\(\) copies it"):
            call(x)
