"""Tensors from nothing and from data: shapes, dtypes, devices, seeds."""

import numpy as np
import pytest

import specframe as sf
from tests.kit.strict import STRICT

MAKERS = {"zeros": sf.zeros, "ones": sf.ones, "randn": sf.randn, "rand": sf.rand}


@pytest.mark.parametrize("name", MAKERS)
def test_a_shape_is_numbers_or_one_tuple_and_float32_the_default(name):
    for shape in ((2, 3), ((2, 3),), ([2, 3],), (np.int64(2), 3)):
        made = MAKERS[name](*shape)
        assert type(made) is sf.Tensor and (made.shape, made.dtype) == ((2, 3), np.float32) and not made.requires_grad
    assert MAKERS[name]().shape == MAKERS[name](()).shape == () and MAKERS[name](0, 3).shape == (0, 3)


@pytest.mark.parametrize("name", MAKERS)
def test_dtype_device_and_gradient_may_be_asked_for(be, name):
    made = MAKERS[name](2, 3, dtype=np.float64, device=be, requires_grad=True)
    assert made.backend is be and made.dtype == np.float64 and made.requires_grad


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_no_shape_is_refused(name):
    with pytest.raises(TypeError, match=rf"^{name}: a shape is of whole numbers, got \(2\.5,\)$"):
        MAKERS[name](2.5)
    with pytest.raises(ValueError, match=rf"^{name}: a shape has no negative numbers, got \(2, -1\)$"):
        MAKERS[name](2, -1)


def test_zeros_ones_and_full_hold_one_number(be):
    assert (sf.zeros(2, device=be).numpy() == 0).all() and (sf.ones(2, device=be).numpy() == 1).all()
    for value, dtype in [(7, np.int64), (0.5, np.float32), (1j, np.complex64), (np.float64(2), np.float32)]:
        made = sf.full((2, 3), value, device=be)
        assert (made.shape, made.dtype) == ((2, 3), dtype) and (made.numpy() == value).all()
    assert sf.full(3, 1, np.float64).dtype == np.float64 and sf.full((), 1).shape == ()
    with pytest.raises(TypeError, match=r"^full: expected a number, got str$"):
        sf.full(2, "one")


@pytest.mark.parametrize(
    ("arguments", "dtype"),
    [((5,), np.int64), ((2, 5), np.int64), ((5, 0, -2), np.int64), ((0, 1, 0.25), np.float32), ((2.5,), np.float32),
     ((0,), np.int64), ((np.int32(1), np.int32(4)), np.int64)],
)  # fmt: skip
def test_arange_is_numpys_in_steps(be, arguments, dtype):
    made = sf.arange(*arguments, device=be)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made.numpy(), np.arange(*arguments))
    assert sf.arange(3, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match=r"^arange: the step is 0$"):
        sf.arange(1, 2, 0)


def test_random_numbers_follow_from_the_seed_on_every_device(be):
    sf.manual_seed(5)
    first = sf.randn(4, device=be).numpy(), sf.rand(4, device=be).numpy()
    sf.manual_seed(5)
    for one, other in zip(first, (sf.randn(4).numpy(), sf.rand(4).numpy()), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(sf.randn(4).numpy(), sf.randn(4).numpy())
    sf.manual_seed(None)


def test_random_numbers_have_their_distribution():
    sf.manual_seed(1)
    normal, even = sf.randn(100_000).numpy(), sf.rand(100_000).numpy()
    sf.manual_seed(None)
    assert abs(normal.mean()) < 0.02 and abs(normal.std() - 1) < 0.02
    assert 0 <= even.min() < 1e-3 and 0.999 < even.max() < 1 and abs(even.mean() - 0.5) < 0.01


@pytest.mark.parametrize(
    ("data", "dtype"),
    [([1.0, 2.0], np.float64), ([1, 2], np.int64), (np.ones(2, np.float32), np.float32), ((1j, 2), np.complex128)],
)
def test_tensor_keeps_numpys_dtype(data, dtype):
    assert sf.tensor(data).dtype == dtype
    assert sf.tensor(data, dtype=np.complex64).dtype == np.complex64
    np.testing.assert_array_equal(sf.tensor(data).numpy(), data)


def test_tensor_copies_its_data(be):
    array = be.xp.ones(2)
    for data in (array, sf.Tensor(array, requires_grad=True)):
        made = sf.tensor(data)
        assert made.backend is be and not made.requires_grad
        made.data[...] = 5
    np.testing.assert_array_equal(be.to_host(array), 1)


def test_tensor_goes_to_a_device_and_may_want_a_gradient():
    made = sf.tensor([1, 2], dtype=np.float32, device=STRICT, requires_grad=True)
    assert made.backend is STRICT and made.dtype == np.float32 and made.requires_grad
    assert sf.tensor(STRICT.xp.ones(2), device="cpu").backend.name == "cpu"


def test_a_mask_becomes_numbers_where_a_dtype_is_given(be):
    mask = be.asarray(np.array([True, False]))
    np.testing.assert_array_equal(sf.tensor(mask, dtype=np.float32).numpy(), [1, 0])
    with pytest.raises(TypeError, match=r"^Tensor: expected an array of numbers, got dtype bool$"):
        sf.tensor(mask)
