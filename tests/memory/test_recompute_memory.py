"""checkpoint: what dies after the first run, what the ledgers count, and the measured peak."""

import gc
import weakref

import numpy as np

import specframe as sf
from specframe import backend, ops
from specframe.backend import to_host
from specframe.tape import Op, apply

A, B = [0.5, -1.5, 2.0], [1.25, 0.75, -0.5]


def leaf(be, values):
    return sf.Tensor(be.asarray(np.array(values)), requires_grad=True)


def grad(tensor):
    return None if tensor.grad is None else to_host(tensor.grad)


def plain(fn, *inputs):
    return fn(*inputs)


def test_maps_in_between_die_in_the_first_run_and_ops_are_told_to_save_nothing(be):
    x, w, maps, recording = leaf(be, A), leaf(be, B), [], []

    class Watched(Op):
        name = "watched"

        @staticmethod
        def forward(ctx, x, w):
            recording.append((ctx.recording, ctx.needs))
            return x * w

        @staticmethod
        def backward(ctx, gy):
            return gy, gy

    def fn(x):
        for _ in range(3):
            x = apply(Watched, x, w)
            maps.append(weakref.ref(x.data))
        return ops.tanh(x)

    with sf.Tape(store="dense") as tape:
        y = sf.checkpoint(fn, x)
        assert [ref() is None for ref in maps] == [True] * 3  # without the garbage collector
        assert recording == [(False, (False, False))] * 3
    tape.backward(y, y.data)
    assert [ref() is None for ref in maps] == [True] * 6


def test_the_result_of_the_second_run_dies_before_the_walk_goes_back(be):
    results, dead = [], []

    class Looks(Op):
        name = "looks"

        @staticmethod
        def forward(ctx, x):
            return x + 1

        @staticmethod
        def backward(ctx, gy):
            dead.append(results[1]() is None)
            return gy

    def fn(x):
        y = apply(Looks, x)
        results.append(weakref.ref(y.data))
        return y

    x = leaf(be, A)
    with sf.Tape() as tape:
        y = sf.checkpoint(fn, x)
    tape.backward(y, be.asarray(np.ones(3)))
    assert dead == [True]


def test_an_input_of_the_second_run_dies_when_the_walk_has_used_it(be):
    inputs, dead = [], []

    class Looks(Op):
        name = "looks"

        @staticmethod
        def forward(ctx, x):
            return x + 1

        @staticmethod
        def backward(ctx, gy):
            dead.append(inputs[1]() is None)
            return gy

    def fn(x):
        inputs.append(weakref.ref(x.data))
        return apply(Looks, w) * x  # the walk comes to the product first, which saved x

    w, plus = leaf(be, np.eye(20)), sf.Tensor(be.asarray(np.eye(20)))
    with sf.Tape(store="mask") as tape:  # which unpacks a new array
        y = sf.checkpoint(fn, plus * plus)
    tape.backward(y, y.data)
    assert dead == [True]


def test_an_input_that_was_packed_dies_with_the_forward(be):
    x = leaf(be, np.eye(20))
    with sf.Tape(store="mask") as tape:
        h = x * 2
        y = ops.sum(sf.checkpoint(ops.tanh, h))
        dead = weakref.ref(h.data)
        del h
        assert dead() is None
    tape.backward(y)


def test_a_tape_with_checkpoints_is_freed_without_the_garbage_collector(be):
    x = leaf(be, A)
    with sf.Tape(store="dense") as tape:
        h = ops.tanh(x)
        sf.checkpoint(ops.tanh, h)
        dead = weakref.ref(h.data)
        del h
    assert dead() is not None
    del tape
    assert dead() is None


def chain(x, scales, call, part):
    """tanh(scale x), once for each scale, in parts."""

    def run(scales):
        def fn(x):
            for scale in scales:
                x = ops.tanh(x * scale)
            return x

        return fn

    for start in range(0, len(scales), part):
        x = call(run(scales[start : start + part]), x)
    return x


def chained(call, part, n=16, size=40_000, store="dense"):
    x = sf.Tensor(np.linspace(-1, 1, size), requires_grad=True)
    with sf.Tape(store=store) as tape:
        y = ops.sum(chain(x, [1 + 0.01 * i for i in range(n)], call, part))
    tape.backward(y)
    return tape, x.grad


def test_the_measured_peak_of_a_deep_chain_falls_and_the_ledger_foresees_by_how_much():
    size, found = 40_000 * 8, {}
    for call in (plain, sf.checkpoint):
        chained(call, 4)
        gc.collect()
        with backend.get("cpu").peak_memory() as peak:
            tape, gx = chained(call, 4)
        found[call] = peak.nbytes / size, tape.peak_bytes / size, tape.ledger.nbytes / size, gx
    assert found[plain][1] == found[plain][2] == 16
    # the chain saves 3 inputs (the first is the caller's), and the last part's 4 maps while it runs again
    assert found[sf.checkpoint][1:3] == (7, 3)
    assert found[sf.checkpoint][0] < 0.7 * found[plain][0]
    for measured, foreseen, *_ in found.values():
        assert 0 <= measured - foreseen < 7  # x, its gradient, and what one op works with
    np.testing.assert_array_equal(found[plain][3], found[sf.checkpoint][3])


def test_the_peak_counts_all_second_runs_that_hold_something_at_a_time():
    def halves(fn, x):  # two checkpoints of 2 maps each, inside one of 4
        return sf.checkpoint(lambda x: chain(x, (1.0, 1.1, 1.2, 1.3), sf.checkpoint, 2), x)

    size = 40_000 * 8
    tape, _ = chained(halves, 4, n=8)
    # saved: 1 input of the second four; in its second run 1 more, the input of its second two; in the third its 2 maps
    assert tape.ledger.nbytes == size and tape.peak_bytes == (1 + 1 + 2) * size


def test_the_peak_is_the_ledger_where_nothing_runs_again(be):
    x = leaf(be, A)
    with sf.Tape() as tape:
        y = ops.sum(ops.tanh(x) * x)
        assert tape.peak_bytes == tape.ledger.nbytes
    tape.backward(y)
    assert tape.peak_bytes == tape.ledger.nbytes > 0
