"""convert: another precision or device, in memory of its own, with gradients that come back."""

import numpy as np
import pytest

from specframe import Tape, Tensor, backend, gradcheck, no_grad, ops
from tests.kit.strict import STRICT
from tests.ops.common import normal, run, spectrum_tensor

CPU = backend.get("cpu")


@pytest.mark.parametrize(
    "dtypes", [("float32", "float64"), ("float64", "float32"), ("float64", "complex64"), ("complex64", "complex128")]
)
def test_the_gradient_comes_back_in_the_precision_it_came_from(be, dtypes):
    x = np.array([1.0, -2.0], dtypes[0])
    y, (gradient,) = run(be, lambda x: x.astype(dtypes[1]), x, gy=np.array([3, 4], dtypes[1]))
    assert y.dtype == dtypes[1] and gradient.dtype == dtypes[0]
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(gradient, [3, 4])


def test_a_real_input_gets_the_real_part(be, rng):
    gradcheck(lambda x: ops.convert(x, dtype=complex) * (1 + 2j), be.asarray(normal(rng, (3,))), linear=True, rtol=1e-8)


def test_the_result_is_a_copy_even_in_the_same_precision(be):
    x = Tensor(be.xp.ones(3))
    for y in (x.clone(), x.astype("float64"), ops.convert(x)):
        y.data[...] = 5
    np.testing.assert_array_equal(x.numpy(), 1)


@pytest.mark.parametrize(("here", "there"), [(CPU, STRICT), (STRICT, CPU)])
def test_a_gradient_comes_back_from_another_device(here, there):
    x = Tensor(here.asarray(np.array([1.0, 2.0])), requires_grad=True)
    with Tape() as tape:
        y = ops.sum(x.to(there) * Tensor(there.asarray(np.array([3.0, 4.0]))))
    assert y.backend is there
    tape.backward(y)
    assert isinstance(x.grad, here.array_type)
    np.testing.assert_array_equal(here.to_host(x.grad), [3, 4])


def test_on_its_own_device_a_tensor_is_itself(be):
    x = Tensor(be.xp.ones(3))
    assert x.to(be) is x


def test_outside_a_tape_the_copy_is_a_leaf_that_wants_what_the_original_wants(be):
    w = Tensor(be.xp.ones(2), requires_grad=True)
    copies = [w.clone(), w.astype("float32"), ops.convert(w, device=CPU), w.astype(int)]
    assert [copy.requires_grad for copy in copies] == [True, True, True, False]
    with no_grad():
        assert not w.clone().requires_grad
    assert not Tensor(be.xp.ones(2)).clone().requires_grad


def test_integers_under_a_tape_have_no_gradient(be):
    w = Tensor(be.asarray(np.array([1.7, -2.7])), requires_grad=True)
    with Tape():
        y = w.astype(np.int64)
    assert not y.requires_grad and y.numpy().tolist() == [1, -2]


def test_a_spectrum_stays_one(be):
    Z = spectrum_tensor(be, np.ones((4, 3, 1, 1), complex), (4, 5))
    assert Z.clone().spectrum == Z.astype("complex64").spectrum == Z.spectrum


def test_an_imaginary_part_is_not_lost_in_silence(be):
    with pytest.raises(ValueError, match=r"^convert: complex128 as float64 would lose the imaginary part$"):
        Tensor(be.xp.ones(2, complex)).astype(float)
