"""Arithmetic: broadcasting and its adjoint, real meets complex, numbers on one side, sums and means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from specframe import Tensor, gradcheck, ops
from tests.ops.common import normal, run, value

BINARY = {
    "add": (ops.add, np.add),
    "subtract": (ops.subtract, np.subtract),
    "multiply": (ops.multiply, np.multiply),
    "divide": (ops.divide, np.divide),
}
LINEAR_IN_FIRST = ("add", "subtract", "multiply", "divide")


@pytest.mark.parametrize("shapes", [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2, 3)), ((), ())])
@pytest.mark.parametrize("name", BINARY)
def test_values_and_gradients_broadcast(be, rng, name, shapes):
    op, reference = BINARY[name]
    a, b = (normal(rng, shape) for shape in shapes)
    b += np.where(b >= 0, 1, -1)  # clear of a division by zero
    np.testing.assert_allclose(value(be, op, a, b), reference(a, b), rtol=1e-15)
    gradcheck(op, be.asarray(a), be.asarray(b))


@pytest.mark.parametrize("dtypes", [("complex128", "complex128"), ("float64", "complex128"), ("complex128", "float64")])
@pytest.mark.parametrize("name", BINARY)
def test_real_meets_complex_and_each_gets_a_gradient_of_its_own_kind(be, rng, name, dtypes):
    op, reference = BINARY[name]
    a, b = normal(rng, (3, 4), dtypes[0]), normal(rng, (4,), dtypes[1])
    b += np.where(b.real >= 0, 1, -1)
    y, gradients = run(be, op, a, b)
    np.testing.assert_allclose(y, reference(a, b), rtol=1e-14)
    assert [g.dtype for g in gradients] == list(dtypes)
    gradcheck(op, be.asarray(a), be.asarray(b))


@pytest.mark.parametrize("name", LINEAR_IN_FIRST)
def test_gradient_of_what_is_linear_in_the_first_side_is_exact(be, rng, name):
    b = Tensor(be.asarray(normal(rng, (4,), np.complex128) + 3))
    gradcheck(lambda a: BINARY[name][0](a, b), be.asarray(normal(rng, (3, 4), np.complex128)), linear=True, rtol=1e-8)


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4))
def test_a_gradient_has_the_shape_of_its_input_and_counts_the_repetitions(be, shapes):
    a, b = (np.ones(shape) for shape in shapes.input_shapes)
    y, (ga, gb) = run(be, ops.add, a, b)
    assert y.shape == shapes.result_shape and ga.shape == a.shape and gb.shape == b.shape
    assert np.all(ga == y.size / a.size) and np.all(gb == y.size / b.size)


def test_operators_call_the_ops_on_either_side(be):
    x = Tensor(be.asarray(np.array([1.0, 2.0])))
    for y, expected in [
        (x + 1, [2, 3]), (1 + x, [2, 3]), (x - 1, [0, 1]), (1 - x, [0, -1]), (x * 3, [3, 6]), (3 * x, [3, 6]),
        (x / 2, [0.5, 1]), (2 / x, [2, 1]), (x**2, [1, 4]), (-x, [-1, -2]), (x * x, [1, 4]), (x + x, [2, 4]),
    ]:  # fmt: skip
        np.testing.assert_array_equal(y.numpy(), expected)


def test_an_array_on_one_side_is_a_constant(be, rng):
    x, array = normal(rng, (2, 3)), be.asarray(normal(rng, (2, 3)))
    _, (gradient,) = run(be, lambda x: array * x, x)
    np.testing.assert_array_equal(gradient, be.to_host(array))
    gradcheck(lambda x: (array - x) / (array * array), be.asarray(x), linear=True, rtol=1e-8)


def test_one_tensor_on_both_sides_gets_both_gradients(be, rng):
    x = be.asarray(normal(rng, (3,)))
    gradcheck(lambda x: x * x + x / (x * x + 1) - x, x)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_a_number_takes_the_precision_of_the_tensor(be, dtype):
    x = Tensor(be.asarray(np.ones(2, dtype)))
    for y in (x + 1, x - 0.1, 2.5 * x, x / 3, 1 / x, x**2, x**0.5, x * np.float64(2), x ** np.float64(2)):
        assert y.dtype == dtype
    assert (x * 1j).dtype == np.complex64


def test_numbers_keep_their_fraction_when_the_tensor_holds_integers(be):
    x = Tensor(be.asarray(np.array([1, 2])))
    np.testing.assert_array_equal((x * 0.5).numpy(), [0.5, 1.0])
    assert ops.mean(x).item() == 1.5


@pytest.mark.parametrize("name", BINARY)
def test_shapes_that_do_not_broadcast_are_refused(be, name):
    a, b = Tensor(be.xp.ones((2, 3))), Tensor(be.xp.ones((2, 4)))
    with pytest.raises(ValueError, match=rf"^{name}: shapes \(2, 3\) and \(2, 4\) do not broadcast$"):
        BINARY[name][0](a, b)


@pytest.mark.parametrize("name", BINARY)
def test_arithmetic_without_any_tensor_is_refused(name):
    with pytest.raises(TypeError, match=f"^{name}: expected at least one Tensor, got float and int$"):
        BINARY[name][0](1.0, 2)


@pytest.mark.parametrize("number", [np.float32(2), np.float64(2), np.int64(2), np.uint8(2), np.float64(0.1), 2, 0.1])
@pytest.mark.parametrize("shape", [(2,), ()])
def test_a_number_of_numpy_is_a_number_whatever_the_version(be, number, shape):
    x = Tensor(be.asarray(np.ones(shape, np.float32)))
    for y in (x + number, number + x, x - number, number - x, x * number, number * x, x / number, number / x):
        assert y.dtype == np.float32 and y.shape == shape


@pytest.mark.parametrize("shapes", [((2,), ()), ((), (2,)), ((), ())])
@pytest.mark.parametrize("name", BINARY)
def test_two_arrays_meet_in_the_precision_of_their_dtypes_whatever_their_shapes(be, name, shapes):
    a, b = np.ones(shapes[0], np.float32), np.ones(shapes[1], np.float64)
    y, gradients = run(be, BINARY[name][0], a, b)
    assert y.dtype == np.float64 and [g.dtype for g in gradients] == [np.float32, np.float64]


def test_a_mask_on_one_side_counts_as_zeros_and_ones(be):
    x = Tensor(be.asarray(np.array([1.0, -2.0, 3.0], np.float32)))
    y = x * (x > 0)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.numpy(), [1, 0, 3])


def test_an_integer_that_does_not_fit_is_refused(be):
    with pytest.raises(ValueError, match=r"^multiply: 300 does not fit into uint8$"):
        Tensor(be.asarray(np.ones(2, np.uint8))) * 300


def test_what_is_no_number_is_refused(be):
    for other in ("text", None, object()):
        with pytest.raises(TypeError, match=r"^Tensor: expected a NumPy or CuPy array, got "):
            Tensor(be.xp.ones(2)) + other
