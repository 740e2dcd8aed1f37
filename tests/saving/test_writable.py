"""writable: what a handle gives away may be overwritten, and the handle still has what was saved."""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.memory import batch_norm_act2d
from specframe.op import Op
from specframe.saving import Bits, DenseStore, Handle, get_store
from specframe.saving.registry import names
from specframe.tape import apply
from tests.ops.common import run

SHAPE = (16, 16, 8, 2)


@pytest.mark.parametrize("name", [*names(), "offload:dense", "topk:0.5:exact", "dct:0.5:exact"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [SHAPE, (64, 64)])
def test_writing_into_what_is_given_away_changes_nothing_that_is_kept(be, rng, name, order, shape):
    array = rng.standard_normal(shape).astype(np.float32)
    array[array < 0] = 0
    store = get_store(name)
    handle = store.pack(be.asarray(np.asarray(array, order=order)))
    store.flush()
    before = to_host(handle.dense()).copy()
    given, own = handle.writable()
    np.testing.assert_array_equal(to_host(given), before)
    assert own or handle.format == "dense" or (order == "F" and name.startswith("offload"))
    assert not own or handle.format != "dense"
    if own:
        assert given.flags.c_contiguous
        given[...] = 7
    np.testing.assert_array_equal(to_host(handle.dense()), before)


def test_bits_are_unpacked_anew(be):
    handle = Bits(be, be.asarray(np.arange(100) % 3), 3)
    given, own = handle.writable()
    assert own and given is not handle.dense()


class Lends(Handle):
    """A format of one's own, which gives out the array it holds."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array.copy(), array.shape, array.dtype

    def dense(self):
        return self.array


class LendingStore(DenseStore):
    def pack(self, array, sparse=None, exact_zeros=False):
        return Lends(array)


def test_a_format_of_ones_own_keeps_its_array_unless_it_says_otherwise(be, rng):
    array = be.asarray(rng.standard_normal((3, 4)))
    handle = Lends(array)
    given, own = handle.writable()
    assert given is handle.array and not own
    x, k = (sf.Tensor(be.asarray(rng.standard_normal(shape)), True) for shape in ((6, 6, 2, 3), (3, 3, 3, 3)))
    with sf.Tape(LendingStore()) as tape:
        h = ops.tanh(x)
        y = ops.sum(ops.conv2d(h, k) * 1.0) + ops.sum(ops.conv2d(h, k))
    kept = to_host(h.data).copy()
    tape.backward(y)
    np.testing.assert_array_equal(to_host(h.data), kept)


# ---- what is computed again ------------------------------------------------------------------------------------


def remade(be, remake):
    """(the source's array, the handle of what an op with this `remake` returned) under a tape that saves both."""

    class Again(Op):
        name = "again"

        @staticmethod
        def forward(ctx, x):
            return remake(ctx, x)

        @staticmethod
        def backward(ctx, gy):
            return None

    Again.remake, Again.recompute = staticmethod(remake), "always"
    seen = []

    class Keeps(Op):
        name = "keeps"

        @staticmethod
        def forward(ctx, x):
            ctx.save(x=x)
            return x + 1

        @staticmethod
        def backward(ctx, gy):
            seen.append((ctx["x"], *ctx["x"].writable()))
            return gy

    x = sf.Tensor(be.asarray(np.arange(12.0).reshape(3, 4)), requires_grad=True)
    with sf.Tape("dense") as tape:
        h = x * 1.0
        y = apply(Keeps, apply(Again, h))
    tape.backward(y, be.asarray(np.ones(y.shape)))
    return h.data, *seen[0]


@pytest.mark.parametrize("remake", [
    lambda ctx, x: x, lambda ctx, x: x.T, lambda ctx, x: x[:2], lambda ctx, x: x.reshape(3, 4),
], ids=["itself", "transposed", "a part", "reshaped"])  # fmt: skip
def test_a_source_or_a_view_of_one_is_not_given_away(be, remake):
    source, handle, given, own = remade(be, remake)
    assert handle.format == "remade" and not own
    np.testing.assert_array_equal(to_host(given), to_host(remake(None, source)))


def test_what_is_computed_anew_is_given_away_if_it_is_contiguous(be):
    for remake, expected in ((lambda ctx, x: x * 2, True), (lambda ctx, x: (x.T * 2 + 0).T.copy("F"), False)):
        source, handle, given, own = remade(be, remake)
        assert handle.format == "remade" and own == expected == given.flags.c_contiguous
        np.testing.assert_array_equal(to_host(given), 2 * to_host(source))


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
def test_gradients_built_in_the_place_of_saved_arrays_are_those_of_dense(be, rng, store):
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
