"""getitem: every kind of index, repeated entries, views, what is kept, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.strict import STRICT
from tests.ops.common import normal, run


@given(data=st.data())
def test_basic_indices_are_numpys(be, data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    y, (gradient,) = run(be, lambda x: x[index], x, gy=np.ones_like(x[index]))
    expected = np.zeros(shape)
    expected[index] = 1
    np.testing.assert_array_equal(y, x[index])
    np.testing.assert_array_equal(gradient, expected)


@given(data=st.data())
def test_integer_arrays_are_numpys_and_repeated_entries_add_up(be, data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    index = data.draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=4)))
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    gy = x[index] + 1
    y, (gradient,) = run(be, lambda x: x[tuple(map(be.asarray, index))], x, gy=gy)
    expected = np.zeros(shape)
    np.add.at(expected, index, gy)
    np.testing.assert_array_equal(y, x[index])
    np.testing.assert_allclose(gradient, expected, rtol=1e-14)


def test_masks_take_the_entries_where_they_are_true(be, rng):
    x = normal(rng, (3, 4))
    y, (gradient,) = run(be, lambda x: x[x > 0], x)
    np.testing.assert_array_equal(y, x[x > 0])
    np.testing.assert_array_equal(gradient, x > 0)


@pytest.mark.parametrize("index", [[0, 2, 0], ([0, 1], 1), (slice(None), [3, 3]), [[0, 1], [2, 2]]])
def test_gradients_of_complex_numbers(be, rng, index):
    gradcheck(lambda x: x[index], be.asarray(normal(rng, (3, 4), complex)), linear=True, rtol=1e-8)


def test_tensors_and_lists_are_indices_too(be):
    x = Tensor(be.asarray(np.arange(12.0).reshape(3, 4)))
    index = Tensor(be.asarray(np.array([2, 0])))
    np.testing.assert_array_equal(x[index].numpy(), x.numpy()[[2, 0]])
    np.testing.assert_array_equal(x[index, index].numpy(), [10, 0])
    assert x[[]].shape == (0, 4) and x[[True, False, True]].shape == (2, 4)


def test_slices_are_views_and_the_gradient_of_a_leaf_is_its_own(be):
    x = Tensor(be.asarray(np.arange(4.0)), requires_grad=True)
    assert x[1:].data.base is not None
    with Tape() as tape:
        y = x[:]
    gy = be.xp.ones(4)
    tape.backward(y, gy)
    x.grad[...] = 5
    np.testing.assert_array_equal(be.to_host(gy), 1)


def test_an_index_that_changes_after_the_forward_changes_nothing(be):
    x, index = Tensor(be.xp.ones(3), requires_grad=True), be.asarray(np.array([0, 0]))
    with Tape() as tape:
        y = ops.sum(x[index])
    index[...] = 2
    tape.backward(y)
    np.testing.assert_array_equal(be.to_host(x.grad), [2, 0, 0])


def test_a_piece_of_what_is_kept_anyway_costs_nothing(be):
    x = Tensor(be.xp.ones((4, 100)), requires_grad=True)
    with Tape(store="dense") as tape:
        h = ops.exp(x)
        y = (h[:2] * h[[2, 3]]).sum()
    assert tape.ledger.nbytes == 3200
    tape.backward(y)
    np.testing.assert_allclose(be.to_host(x.grad), np.exp(2.0), rtol=1e-14)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (3, r"^getitem: index 3 is out of bounds for axis 0 with size 3; the tensor's shape is \(3, 4\)$"),
        ((0, 0, 0), r"^getitem: too many indices.*; the tensor's shape is \(3, 4\)$"),
        (1.0, r"^getitem: only integers, slices.*; the tensor's shape is \(3, 4\)$"),
        ("rows", r"^getitem: only integers, slices.*; the tensor's shape is \(3, 4\)$"),
        ([0, 5], r"^getitem: index 5 is out of bounds"),
    ],
)
def test_what_is_no_index_is_refused(index, message):
    with pytest.raises(IndexError, match=message):
        Tensor(np.ones((3, 4)))[index]


def test_an_index_on_another_device_is_refused():
    with pytest.raises(TypeError, match=r"^getitem: got arrays on two devices \(strict and cpu\)"):
        Tensor(STRICT.xp.ones(3))[np.array([0, 1])]
