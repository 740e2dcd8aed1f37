"""writable: what a handle gives away may be overwritten, and the handle still has what was saved."""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.memory import batch_norm_act2d
from specframe.saving import STORES, get_store
from tests.ops.common import run

SHAPE = (16, 16, 8, 2)


@pytest.mark.parametrize("name", [*STORES, "offload:dense", "topk:0.5:exact", "spectral:0.5:exact:haar"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_writing_into_what_is_given_away_changes_nothing_that_is_kept(be, rng, name, order):
    array = rng.standard_normal(SHAPE).astype(np.float32)
    array[array < 0] = 0
    store = get_store(name)
    handle = store.pack(be.asarray(np.asarray(array, order=order)))
    store.flush()
    before = to_host(handle.dense()).copy()
    given, own = handle.writable()
    np.testing.assert_array_equal(to_host(given), before)
    assert name != "dense" or not own
    if own:
        assert given.flags.c_contiguous
        given[...] = 7
    np.testing.assert_array_equal(to_host(handle.dense()), before)


def test_what_a_user_holds_is_not_given_away(be, rng):
    """The batch is borrowed by a convolution and by a normalisation, through a view and through the batch itself."""
    x = be.asarray(rng.standard_normal((6, 6, 2, 3)))
    kernel, gamma, beta = (
        sf.Tensor(be.asarray(rng.standard_normal(shape)), requires_grad=True) for shape in ((3, 3, 3, 3), (3,), (3,))
    )
    kept = to_host(x).copy()
    for view in (lambda t: t, lambda t: ops.reshape(t, (6, 6, 2, 3)), lambda t: ops.concatenate([t])):
        leaf = sf.Tensor(x, requires_grad=True)
        with sf.Tape() as tape:
            y = ops.conv2d(ops.batch_norm2d(view(leaf), gamma, beta), kernel) + ops.conv2d(view(leaf), kernel)
        tape.backward(y, be.xp.ones_like(y.data))
        np.testing.assert_array_equal(to_host(x), kept)


@pytest.mark.parametrize("store", ["csr", "mask", "offload:dense"])
def test_gradients_built_in_the_place_ofsaved_arrays_are_those_of_dense(be, rng, store):
    arrays = [rng.standard_normal(shape) for shape in ((12, 12, 4, 3), (3, 3, 3, 3), (3,), (3,), (3,), (3,))]
    gy = rng.standard_normal((12, 12, 4, 3))

    def net(x, kernel, gamma, beta, gamma2, beta2):
        h = ops.batch_norm2d(ops.conv2d(x, kernel, padding=1), gamma, beta)
        h = batch_norm_act2d(ops.conv2d(ops.relu(h), kernel, padding=1), gamma2, beta2)
        Y = ops.spectral_batch_norm2d(ops.spectral_conv2d(ops.rfft2(h, (14, 14)), kernel), gamma, beta)
        return ops.irfft2(ops.spectral_act(Y, 0.1))

    (y, gradients), (expected, exact) = (run(be, net, *arrays, gy=gy, store=s) for s in (store, "dense"))
    np.testing.assert_array_equal(y, expected)
    for one, other in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11 * abs(other).max())
