"""Tensor: an array with a gradient; it never copies, and refuses what holds no numbers."""

import numpy as np
import pytest

import specframe as sf
from tests.kit.strict import STRICT


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128, np.int64, np.uint8])
def test_a_tensor_holds_the_array_itself(be, dtype):
    array = be.asarray(np.ones((2, 3), dtype))
    tensor = sf.Tensor(array)
    assert tensor.data is array
    assert (tensor.shape, tensor.dtype, tensor.ndim, tensor.size, len(tensor)) == ((2, 3), dtype, 2, 6, 2)
    assert tensor.backend is be and tensor.device == be.name
    assert tensor.grad is None and tensor.spectrum is None and not tensor.requires_grad


def test_numpy_gives_the_content_and_on_the_cpu_the_array_itself(be):
    tensor = sf.Tensor(be.asarray(np.arange(3.0)))
    assert type(tensor.numpy()) is np.ndarray and tensor.numpy().tolist() == [0.0, 1.0, 2.0]
    array = np.arange(3.0)
    assert sf.Tensor(array).numpy() is array


def test_item_is_a_python_number(be):
    assert type(sf.Tensor(be.asarray(np.array([[2.5]], np.float32))).item()) is float
    assert sf.Tensor(be.asarray(np.array(1 + 2j))).item() == 1 + 2j
    with pytest.raises(ValueError):
        sf.Tensor(be.asarray(np.ones(2))).item()


@pytest.mark.parametrize(
    ("value", "shape", "dtype"),
    [
        (2, (), np.int64),
        (2.0, (), np.float64),
        (2j, (), np.complex128),
        ([1.0, 2.0], (2,), np.float64),
        (((1, 2), (3, 4)), (2, 2), np.int64),
        (np.float32(2), (), np.float32),
    ],
)
def test_numbers_and_nested_sequences_become_arrays_on_the_cpu(value, shape, dtype):
    tensor = sf.Tensor(value)
    assert (tensor.shape, tensor.dtype, tensor.device) == (shape, dtype, "cpu")
    np.testing.assert_array_equal(tensor.data, value)


def test_the_text_says_shape_dtype_device_and_whether_a_gradient_is_wanted():
    assert repr(sf.Tensor(np.zeros((2, 3), np.float32))) == "Tensor((2, 3), float32, cpu)"
    assert repr(sf.Tensor(np.zeros(1), requires_grad=True)) == "Tensor((1,), float64, cpu, requires_grad=True)"
    assert repr(sf.Tensor(STRICT.xp.zeros(1))) == "Tensor((1,), float64, strict)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "^Tensor: expected a NumPy or CuPy array, got str$"),
        (None, "^Tensor: expected a NumPy or CuPy array, got NoneType$"),
        ({1.0}, "^Tensor: expected a NumPy or CuPy array, got set$"),
        (True, "^Tensor: expected an array of numbers, got dtype bool$"),
        (np.array(["a"]), "^Tensor: expected an array of numbers, got dtype <U1$"),
        (np.array([None]), "^Tensor: expected an array of numbers, got dtype object$"),
        (sf.Tensor([1.0]), "^Tensor: got a Tensor; pass its .data to make a new leaf of the same array$"),
    ],
    ids=["str", "None", "set", "bool", "array of text", "array of objects", "Tensor"],
)
def test_what_holds_no_numbers_is_refused(value, message):
    with pytest.raises(TypeError, match=message):
        sf.Tensor(value)


def test_integers_cannot_require_a_gradient(be):
    with pytest.raises(TypeError, match=r"^Tensor: only floating-point arrays can require a gradient, got int64$"):
        sf.Tensor(be.asarray(np.arange(3)), requires_grad=True)


def test_an_array_on_the_left_of_an_operator_gives_one_tensor(be):
    array, tensor = be.asarray(np.array([1.0, 2.0])), sf.Tensor(be.asarray(np.array([3.0, 4.0])))
    for result, expected in (
        (array + tensor, [4.0, 6.0]),
        (array - tensor, [-2.0, -2.0]),
        (array * tensor, [3.0, 8.0]),
        (array / tensor, [1 / 3, 0.5]),
    ):
        assert isinstance(result, sf.Tensor)
        np.testing.assert_allclose(result.numpy(), expected)


def test_names_of_values_are_never_reused():
    uids = [sf.Tensor([0.0]).uid for _ in range(100)]  # each dies before the next is made
    assert len(set(uids)) == 100
