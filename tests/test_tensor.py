"""Tensor: an array with a gradient; it never copies, and refuses what holds no numbers."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import specframe as sf
from specframe.layers import Parameter
from specframe.spectrum import Spectrum


class Kelvin(np.ndarray):
    """An array that means more than its numbers."""


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
        (
            [sf.Tensor(1.0)] * 2,
            "^Tensor: got a sequence of Tensors; sf.ops.stack makes one of them, and keeps",
        ),
        (np.ma.masked_array([1.0], [True]), "^Tensor: expected a NumPy or CuPy array, got MaskedArray$"),
        (np.ones((2, 2)).view(Kelvin), "^Tensor: expected a NumPy or CuPy array, got Kelvin$"),
    ],
    ids=["str", "None", "set", "bool", "text", "objects", "Tensor", "list of Tensors", "masked array", "subclass"],
)
def test_what_holds_no_numbers_is_refused(value, message):
    with pytest.raises(TypeError, match=message):
        sf.Tensor(value)


def test_integers_cannot_require_a_gradient(be):
    with pytest.raises(TypeError, match=r"^Tensor: only floating-point arrays can require a gradient, got int64$"):
        sf.Tensor(be.asarray(np.arange(3)), requires_grad=True)


def test_names_of_values_are_never_reused():
    uids = [sf.Tensor([0.0]).uid for _ in range(100)]  # each dies before the next is made
    assert len(set(uids)) == 100


# ---- arrays of other kinds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">c8", ">i4"])
def test_numbers_in_another_byte_order_become_native(dtype):
    tensor = sf.Tensor(np.array([-2, 3], dtype))
    assert tensor.dtype == np.dtype(dtype).newbyteorder("=") and tensor.dtype.isnative
    np.testing.assert_array_equal(tensor.numpy(), [-2, 3])


def test_a_leaky_relu_of_big_endian_numbers_is_right():
    assert sf.ops.leaky_relu(sf.Tensor(np.array([-2.0], ">f8")), 0.1).item() == -0.2


def test_a_mapped_file_is_an_array(tmp_path):
    mapped = np.memmap(tmp_path / "numbers", np.float32, "w+", shape=(2, 3))
    tensor = sf.Tensor(mapped)
    assert type(tensor.data) is np.ndarray and np.shares_memory(tensor.data, mapped)


def test_the_array_and_the_gradient_of_a_number_stay_arrays():
    w = sf.Tensor(np.array(3.0), requires_grad=True)
    with sf.Tape() as tape:
        y = w * w + w
    tape.backward(y)
    assert type(w.grad) is np.ndarray and w.grad == 7
    w.data = w.data - 0.5 * w.grad
    assert type(w.data) is np.ndarray and w.item() == -0.5 and (w * 2).item() == -1


# ---- copies ------------------------------------------------------------------------------------------------------


def spawned(tensor):
    """What a process of its own gets and sends back."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(copy.copy, (tensor,))


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda tensor: pickle.loads(pickle.dumps(tensor)),
    "another process": spawned,
}


@pytest.mark.parametrize("kind", [sf.Tensor, Parameter])
@pytest.mark.parametrize("way", COPIES)
def test_a_copy_is_another_tensor_to_every_tape(way, kind):
    w = kind(np.array([1.0, 2.0]))
    w.requires_grad, w.grad = True, np.array([5.0, 5.0])
    with sf.Tape():
        w.recipe = (w * 1).recipe
        other = COPIES[way](w)
    assert type(other) is kind and other.uid != w.uid and other.recipe is None
    assert other.requires_grad and other.grad.tolist() == [5.0, 5.0]
    w.grad = other.grad = None
    with sf.Tape() as tape:
        y = sf.ops.sum(w * 2 + other * 3)
    tape.backward(y)
    assert w.grad.tolist() == [2.0, 2.0] and other.grad.tolist() == [3.0, 3.0]


def test_a_deep_copy_has_an_array_and_a_gradient_of_its_own_and_keeps_the_spectrum(be):
    tensor = sf.Tensor(be.xp.ones((4, 3, 1, 1), complex), requires_grad=True)
    tensor.grad, tensor.spectrum = be.xp.ones((4, 3, 1, 1), complex), Spectrum((4, 5), (4, 5), "ortho", None)
    other = copy.deepcopy(tensor)
    tensor.data[...], tensor.grad[...] = 7, 7
    assert (other.numpy() == 1).all() and (be.to_host(other.grad) == 1).all() and other.spectrum == tensor.spectrum
    assert copy.copy(tensor).data is tensor.data


class Named(sf.Tensor):
    """A subclass with an attribute of its own."""


def test_a_subclass_keeps_its_attributes_in_copies():
    tensor = Named([1.0])
    tensor.name = "weight"
    for other in (copy.copy(tensor), copy.deepcopy(tensor), pickle.loads(pickle.dumps(tensor))):
        assert type(other) is Named and other.name == "weight" and other.uid != tensor.uid


def test_a_result_that_is_copied_is_a_leaf():
    x = sf.Tensor([3.0], requires_grad=True)
    with sf.Tape() as tape:
        y = copy.deepcopy(x * x)
        z = sf.ops.sum(y * x)
    tape.backward(z)
    assert x.grad.tolist() == [9.0] and y.grad.tolist() == [3.0]
