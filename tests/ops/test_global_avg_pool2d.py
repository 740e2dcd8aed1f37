"""global_avg_pool2d: value, exact gradient, what it saves and refuses."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, run, value


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (4, 5, 2, 3)])
def test_value_and_gradient(be, rng, shape):
    x = normal(rng, shape)
    expected = x.reshape(-1, *shape[2:]).sum(axis=0) / (shape[0] * shape[1])
    np.testing.assert_allclose(value(be, ops.global_avg_pool2d, x), expected, rtol=1e-13, atol=1e-16)
    gradcheck(ops.global_avg_pool2d, be.asarray(x), linear=True, rtol=1e-8)


def test_single_precision_is_kept_on_large_maps(be):
    y, (gx,) = run(be, ops.global_avg_pool2d, np.ones((300, 301, 1, 1), np.float32))
    assert y.dtype == gx.dtype == np.float32  # NumPy 1 makes float64 of a float32 array and an integer above 65535


def test_it_saves_nothing_and_is_made_again(be, rng):
    def net(x):
        y = ops.global_avg_pool2d(ops.tanh(x))
        return y * y  # saves y, or makes it again

    with Tape() as tape:
        ops.global_avg_pool2d(Tensor(be.xp.ones((3, 4, 2, 1)), requires_grad=True))
    assert tape.ledger.nbytes == 0
    x = normal(rng, (6, 7, 2, 3))
    (_, kept), (_, made) = (run(be, net, x, store="dense", recompute=way) for way in (None, "block"))
    np.testing.assert_array_equal(kept, made)


def test_an_empty_batch_gives_an_empty_result_and_gradient(be):
    y, (gx,) = run(be, ops.global_avg_pool2d, np.zeros((4, 5, 0, 3)))
    assert y.shape == (0, 3) and gx.shape == (4, 5, 0, 3)


def test_the_host_does_not_wait_for_the_device(rng):
    x = Tensor(STRICT.asarray(normal(rng, (4, 5, 2, 3))), requires_grad=True)
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = ops.global_avg_pool2d(x)
        tape.backward(y, STRICT.xp.ones(y.shape))
    assert waits() == 0


@pytest.mark.parametrize(("shape", "dtype"), [((3, 3, 2), "float64"), ((3, 3, 1, 1), "complex128")])
def test_what_is_no_batch_of_real_maps_is_refused(be, shape, dtype):
    with pytest.raises(ValueError, match=r"^global_avg_pool2d: expected real maps \(rows, cols, batch, channels\)"):
        ops.global_avg_pool2d(Tensor(be.xp.ones(shape, dtype)))
