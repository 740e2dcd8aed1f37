"""linear: value, exact gradients, what it saves and refuses."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, run, value


@pytest.mark.parametrize(("batch", "n_in", "n_out"), [(1, 1, 1), (1, 5, 3), (4, 1, 3), (4, 5, 1), (3, 4, 6)])
def test_value_and_gradients(be, rng, batch, n_in, n_out):
    x, weight, bias = normal(rng, (batch, n_in)), normal(rng, (n_out, n_in)), normal(rng, n_out)
    expected = np.zeros((batch, n_out))
    for n, o in np.ndindex(batch, n_out):
        expected[n, o] = bias[o] + sum(x[n, i] * weight[o, i] for i in range(n_in))
    np.testing.assert_allclose(value(be, ops.linear, x, weight, bias), expected, rtol=1e-12, atol=1e-14)
    gradcheck(ops.linear, be.asarray(x), be.asarray(weight), be.asarray(bias), linear=True, rtol=1e-8)


def test_without_bias(be, rng):
    x, weight = normal(rng, (3, 4)), normal(rng, (2, 4))
    np.testing.assert_allclose(value(be, ops.linear, x, weight), x @ weight.T, rtol=1e-12, atol=1e-14)
    gradcheck(ops.linear, be.asarray(x), be.asarray(weight), linear=True, rtol=1e-8)


def test_leaves_are_borrowed_and_not_counted(be):
    x, weight = Tensor(be.xp.ones((3, 4)), requires_grad=True), Tensor(be.xp.ones((2, 4)), requires_grad=True)
    with Tape() as tape:
        ops.linear(x, weight)
    assert tape.ledger.nbytes == 0


@pytest.mark.parametrize("shapes", [((3, 4), (2, 5)), ((3, 4, 1), (2, 4)), ((4,), (2, 4)), ((3, 4), (4,))])
def test_shapes_that_do_not_fit_are_refused(be, shapes):
    with pytest.raises(ValueError, match=r"^linear: expected x \(batch, in\) and weight \(out, in\) of one "):
        ops.linear(*(Tensor(be.xp.ones(shape)) for shape in shapes))


@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("complex128", "float64")])
def test_dtypes_that_differ_are_refused(be, dtypes):
    with pytest.raises(ValueError, match=f"^linear: .* dtype, got .* {dtypes[0]} and .* {dtypes[1]}$"):
        ops.linear(*(Tensor(be.xp.ones((2, 2), dtype)) for dtype in dtypes))


@pytest.mark.parametrize("dtype", ["complex128", "int64"])
def test_what_is_not_real_is_refused(be, dtype):
    with pytest.raises(ValueError, match=f"^linear: .* real .*{dtype}"):
        ops.linear(Tensor(be.xp.ones((2, 2), dtype)), Tensor(be.xp.ones((2, 2), dtype)))


@pytest.mark.parametrize(("shape", "dtype"), [((3,), "float64"), ((2, 1), "float64"), ((2,), "float32")])
def test_a_bias_that_does_not_fit_is_refused(be, shape, dtype):
    x, weight = Tensor(be.xp.ones((3, 4))), Tensor(be.xp.ones((2, 4)))
    with pytest.raises(ValueError, match=r"^linear: expected a bias \(2,\) float64, got "):
        ops.linear(x, weight, Tensor(be.xp.ones(shape, dtype)))


def test_what_no_gradient_is_asked_for_keeps_nothing(be, rng):
    x, weight = normal(rng, (3, 4)), normal(rng, (2, 4))
    for needed, saved in (((True, False), ["weight"]), ((False, True), ["x"])):
        leaves = [Tensor(be.asarray(a), requires_grad=n) for a, n in zip((x, weight), needed, strict=True)]
        with Tape() as tape:
            y = ops.linear(*leaves)
        assert [row.array for row in tape.ledger.rows] == saved
        tape.backward(y, be.xp.ones(y.shape))


def test_an_empty_batch_gives_an_empty_result_and_zero_gradients(be, rng):
    arrays = np.zeros((0, 4)), normal(rng, (2, 4)), normal(rng, 2)
    y, gradients = run(be, ops.linear, *arrays)
    assert y.shape == (0, 2)
    for gradient, array in zip(gradients, arrays, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros(array.shape))


def test_the_host_does_not_wait_for_the_device(rng):
    leaves = [Tensor(STRICT.asarray(normal(rng, s)), requires_grad=True) for s in ((3, 4), (2, 4), (2,))]
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = ops.linear(*leaves)
        tape.backward(y, STRICT.xp.ones(y.shape))
    assert waits() == 0
