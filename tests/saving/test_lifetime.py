"""What is kept alive, and until when: weak references to arrays tell. No test here needs the garbage collector."""

import weakref

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.models import SpecLeNet5
from specframe.tape import Op, apply

SPARSE = ["csr", "mask", "auto"]


def parameter(be, rng, *shape):
    return sf.Tensor(be.asarray(rng.standard_normal(shape)), requires_grad=True)


def dies(thing):
    """A weak reference, as a question."""
    reference = weakref.ref(thing)
    return lambda: reference() is None


def mostly_zero(be, *shape):
    array = np.zeros(shape)
    array.reshape(-1)[::9] = 1.0
    return sf.Tensor(be.asarray(array))


# ---- packing lets go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", SPARSE)
def test_a_packed_array_does_not_keep_the_dense_one_alive(be, rng, store):
    x, few = parameter(be, rng, 30, 4), mostly_zero(be, 30, 4)
    with sf.Tape(store=store) as tape:
        h = ops.tanh(x * few)
        tensor_dead, array_dead, expected = dies(h), dies(h.data), h.numpy().copy()
        y = ops.sum(h * 2)
        del h
        assert tensor_dead()
        if not be.reading_waits or store != "auto":  # there the count may still be on its way
            assert array_dead()
    assert array_dead()
    tape.backward(y)
    np.testing.assert_allclose(to_host(x.grad), 2 * (1 - expected**2) * few.numpy())


@pytest.mark.parametrize("store", SPARSE)
def test_the_dense_spectrum_of_a_block_dies_after_packing(be, rng, store):
    x, k = parameter(be, rng, 10, 10, 2, 1), parameter(be, rng, 3, 1, 3, 3)
    with sf.Tape(store=store) as tape:
        X = ops.rfft2(x, (12, 12))
        Z = ops.spectral_conv_act(X, k, beta=3.0)
        dead = [dies(X), dies(X.data), dies(Z), dies(Z.data)]
        y = ops.sum(ops.irfft2(Z))
        del X, Z
    assert [is_dead() for is_dead in dead] == [True] * 4
    assert tape.ledger.density("spectral_conv_act")[0] < 0.5
    tape.backward(y)
    assert np.isfinite(to_host(k.grad)).all() and to_host(k.grad).any()


def test_dense_keeps_the_array_but_not_the_tensor(be, rng):
    x = parameter(be, rng, 30)
    with sf.Tape(store="dense") as tape:
        h = ops.tanh(x)
        tensor_dead, array_dead = dies(h), dies(h.data)
        y = ops.sum(h)
        del h
    assert tensor_dead() and not array_dead()
    tape.backward(y)
    assert array_dead()


@pytest.mark.parametrize("store", ["dense", *SPARSE])
def test_nothing_is_kept_by_ops_that_save_nothing(be, rng, store):
    x, few = parameter(be, rng, 30), mostly_zero(be, 30)
    with sf.Tape(store=store) as tape:
        a = x + 1
        b = a - few
        y = ops.sum(b)
        dead = [dies(a.data), dies(b.data)]
        del a, b
        assert [is_dead() for is_dead in dead] == [True, True]
    assert tape.ledger.nbytes == 0
    tape.backward(y)


def test_outside_a_tape_intermediate_arrays_die_at_once(be, rng):
    x = parameter(be, rng, 10, 10, 2, 1)
    X = ops.rfft2(x, (12, 12))
    dead = dies(X.data)
    y = ops.irfft2(X)
    del X
    assert dead() and y.shape == x.shape


# ---- the walk lets go, entry by entry --------------------------------------------------------------------------


class Keeps(Op):
    """y = x + w, saving a private array of which `alive` gets a weak reference; its backward looks who is alive."""

    name = "keeps"

    @staticmethod
    def forward(ctx, x, w, alive, seen):
        private = x * 2
        alive.append(weakref.ref(private))
        ctx.save(private=private)
        ctx.alive, ctx.seen = alive, seen
        return x + w

    @staticmethod
    def backward(ctx, gy):
        ctx.seen.append([reference() is not None for reference in ctx.alive])
        return gy, gy


def test_entries_are_freed_one_by_one_during_the_walk(be, rng):
    x, weights = parameter(be, rng, 5), [parameter(be, rng, 5) for _ in range(3)]
    alive, in_backward, in_on_grad = [], [], []
    with sf.Tape(store="dense") as tape:
        y = x
        for w in weights:
            y = apply(Keeps, y, w, alive=alive, seen=in_backward)
        y = ops.sum(y)
    tape.backward(y, on_grad=lambda leaf: in_on_grad.append([reference() is not None for reference in alive]))
    assert in_backward == [[True, True, True], [True, True, False], [True, False, False]]
    # when a parameter's gradient is complete, all later entries are gone; its own may go with it or just after
    assert [seen[i + 1 :] for i, seen in zip((2, 1, 0, 0), in_on_grad, strict=True)] == [
        [],
        [False],
        [False, False],
        [False, False],
    ]
    assert [reference() is None for reference in alive] == [True] * 3


def test_entries_are_freed_one_by_one_when_backward_runs_inside_the_block(be, rng):
    x, weights = parameter(be, rng, 5), [parameter(be, rng, 5) for _ in range(2)]
    alive, seen = [], []
    with sf.Tape(store="dense") as tape:
        y = x
        for w in weights:
            y = apply(Keeps, y, w, alive=alive, seen=seen)
        tape.backward(ops.sum(y))
        assert [reference() is None for reference in alive] == [True, True]
    assert seen == [[True, True], [True, False]]
    assert tape.ledger.nbytes == 2 * 5 * 8


def test_an_array_saved_by_two_ops_lives_until_the_first_of_them_is_walked(be, rng):
    x, w = parameter(be, rng, 4, 3), parameter(be, rng, 2, 3)
    with sf.Tape(store="dense") as tape:
        h = ops.tanh(x)
        y = ops.sum(ops.linear(h, w))
        dead = dies(h.data)
        del h
    seen = []
    tape.backward(y, on_grad=lambda leaf: seen.append((leaf is w, dead())))
    assert seen[0] == (True, False)  # the linear layer is done, tanh still needs its output
    assert dead()


@pytest.mark.parametrize("recompute", [None, "block"])
@pytest.mark.parametrize("store", ["dense", *SPARSE])
def test_everything_is_gone_after_the_backward(store, recompute):
    model, x = SpecLeNet5(), sf.Tensor(np.random.default_rng(0).standard_normal((28, 28, 4, 1)).astype(np.float32))
    with sf.Tape(store=store, recompute=recompute) as tape:
        Z = model.conv1.spectrum(x)
        h = model.pool(ops.irfft2(Z))
        dead = [dies(Z.data), dies(h.data)]
        loss = ops.softmax_cross_entropy(
            ops.reshape(ops.transpose(h, (2, 3, 0, 1)), (4, -1)) * 1.0, np.zeros(4, np.int64)
        )
        del Z, h
    tape.backward(loss)
    assert [is_dead() for is_dead in dead] == [True, True]
    assert tape.records == [] and tape.saving._entries == [] and not tape._leaves and not tape.saving._handles
    assert tape.ledger.nbytes > 0


class Fails(Op):
    """x, with a rule that raises."""

    name = "fails"

    @staticmethod
    def forward(ctx, x):
        return x.copy()

    @staticmethod
    def backward(ctx, gy):
        raise RuntimeError("this rule fails")


def test_everything_is_gone_after_a_backward_that_fails(be, rng):
    x = parameter(be, rng, 30)
    with sf.Tape(store="dense") as tape:
        h = ops.tanh(x)
        dead = dies(h.data)
        y = ops.sum(apply(Fails, h * h))
        del h
    with pytest.raises(RuntimeError, match=r"^this rule fails$"):
        tape.backward(y)
    assert dead() and tape.records == [] and not tape._leaves
    with pytest.raises(RuntimeError, match=r"^backward: this tape is spent"):
        tape.backward(y)


def test_a_tape_that_is_dropped_without_a_backward_frees_all(be, rng):
    x = parameter(be, rng, 30)
    with sf.Tape(store="dense") as tape:
        h = ops.tanh(x)
        dead = dies(h.data)
        ops.sum(h * h)
        del h
    assert not dead()
    del tape
    assert dead()


def test_recompute_block_keeps_neither_map_nor_pooled_map(be, rng):
    x, k = parameter(be, rng, 10, 10, 2, 1), parameter(be, rng, 3, 1, 3, 3)
    k2 = parameter(be, rng, 4, 3, 3, 3)
    with sf.Tape(store="dense", recompute="block") as tape:
        Z = ops.spectral_conv_act(ops.rfft2(x, (12, 12)), k)
        image = ops.irfft2(Z)
        pooled = ops.max_pool2d(image)
        y = ops.spectral_conv_act(ops.rfft2(pooled, (8, 8)), k2)
        dead = [dies(image.data), dies(pooled.data)]
        kept = dies(Z.data)
        del Z, image, pooled
        assert [is_dead() for is_dead in dead] == [True, True]
    assert not kept()
    tape.backward(y, y.data)
    assert kept() and k2.grad is not None
