"""The tape: what it records, and in which order it walks back.

When saved arrays are freed is in tests/saving/test_lifetime.py, what is refused in tests/test_tape_refusals.py,
on_grad in tests/test_on_grad.py.
"""

import threading

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.op import Op
from specframe.recording import current
from specframe.saving.remade import DEEPEST
from specframe.tape import apply
from tests.kit.strict import STRICT

REAL = [1.0, -2.0, 3.0]


def leaf(be, values, dtype=np.float64):
    return sf.Tensor(be.asarray(np.array(values, dtype)), requires_grad=True)


def grad(tensor):
    return to_host(tensor.grad)


class Logged(Op):
    """y = x + 1; its backward writes `label` into `log`."""

    name = "logged"

    @staticmethod
    def forward(ctx, x, label, log):
        ctx.label, ctx.log = label, log
        return x + 1

    @staticmethod
    def backward(ctx, gy):
        ctx.log.append(ctx.label)
        return gy


# ---- order and fan-out -----------------------------------------------------------------------------------------


def test_why_a_topological_order(be):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        a = x * x
        b = a + a
        c = b + b
        loss = ops.sum(c)
    tape.backward(loss)
    np.testing.assert_array_equal(grad(x), [8.0, -16.0, 24.0])  # c = 4 x^2


def test_the_walk_is_the_record_reversed(be):
    x, log = leaf(be, REAL), []
    with sf.Tape() as tape:
        a = apply(Logged, x, label="a", log=log)
        b = apply(Logged, a, label="b", log=log)
        c = apply(Logged, a, label="c", log=log)  # beside b, recorded after it
        d = apply(Logged, b + c, label="d", log=log)
    tape.backward(d, d.data)
    assert log == ["d", "c", "b", "a"]


def test_fan_out_adds_up_before_the_walk_goes_on(be):
    x, log = leaf(be, REAL), []
    with sf.Tape() as tape:
        a = apply(Logged, x, label="a", log=log)
        y = ops.sum(a * a + a * 3 + a)
    tape.backward(y)
    assert log == ["a"]
    np.testing.assert_array_equal(grad(x), 2 * (np.array(REAL) + 1) + 4)


def test_ops_whose_result_leads_nowhere_are_not_walked(be):
    x, log = leaf(be, REAL), []
    with sf.Tape() as tape:
        y = apply(Logged, x, label="used", log=log)
        apply(Logged, x, label="not used", log=log)
    tape.backward(y, y.data)
    assert log == ["used"]


def test_the_walk_may_start_in_the_middle_of_the_record(be):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        a = x * 3
        _ = ops.sum(a * a)
    tape.backward(a, be.asarray(np.ones(3)))
    np.testing.assert_array_equal(grad(x), [3.0, 3.0, 3.0])


def test_a_long_chain_needs_no_recursion():
    x = sf.Tensor(np.ones(2), requires_grad=True)
    with sf.Tape() as tape:
        y = x
        for _ in range(3000):
            y = y + x
    tape.backward(y, np.ones(2))
    np.testing.assert_array_equal(x.grad, [3001.0, 3001.0])


def test_gradients_of_two_tapes_add_up_until_cleared(be):
    x = leaf(be, REAL)
    for total in (2.0, 4.0):
        with sf.Tape() as tape:
            y = ops.sum(x * 2)
        tape.backward(y)
        np.testing.assert_array_equal(grad(x), [total] * 3)
    x.grad = None
    with sf.Tape() as tape:
        y = ops.sum(x * 2)
    tape.backward(y)
    np.testing.assert_array_equal(grad(x), [2.0] * 3)


def test_only_leaves_that_ask_get_a_gradient(be):
    x, constant = leaf(be, REAL), sf.Tensor(be.asarray(np.array(REAL)))
    with sf.Tape() as tape:
        a = x * constant
        y = ops.sum(a)
    tape.backward(y)
    assert x.grad is not None and constant.grad is None and a.grad is None and y.grad is None


# ---- gradients belong to their leaf ----------------------------------------------------------------------------


def test_gradients_of_two_leaves_share_no_memory():
    a, b = sf.Tensor(np.ones(3), requires_grad=True), sf.Tensor(np.ones(3), requires_grad=True)
    cotangent = np.ones(3)
    with sf.Tape() as tape:
        y = a + b
    tape.backward(y, cotangent)
    a.grad *= 0.5  # clipping in place, say
    np.testing.assert_array_equal(b.grad, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(cotangent, [1.0, 1.0, 1.0])


def test_a_gradient_can_be_changed_in_place(be):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        y = ops.sum(x)
    tape.backward(y)  # the rule of sum repeats one number
    x.grad *= 0.5
    np.testing.assert_array_equal(grad(x), [0.5, 0.5, 0.5])


def test_the_cotangent_and_the_leaves_are_not_modified(be):
    x, cotangent = leaf(be, REAL), be.asarray(np.array([1.0, 2.0, 3.0]))
    with sf.Tape() as tape:
        y = x * x + x
    tape.backward(y, cotangent)
    np.testing.assert_array_equal(to_host(cotangent), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(x.numpy(), REAL)


# ---- cotangents ------------------------------------------------------------------------------------------------


def test_a_complex_cotangent_meets_the_conjugate(be, rng):
    c, gy = rng.standard_normal((2, 3)) + 1j * rng.standard_normal((2, 3))
    x = leaf(be, rng.standard_normal(3) + 0j, np.complex128)
    with sf.Tape() as tape:
        y = x * be.asarray(c)
    tape.backward(y, be.asarray(gy))
    assert grad(x).dtype == np.complex128
    np.testing.assert_allclose(grad(x), gy * np.conj(c), rtol=1e-14)


def test_a_real_leaf_under_a_complex_result_gets_a_real_gradient(be, rng):
    c, gy = rng.standard_normal((2, 3)) + 1j * rng.standard_normal((2, 3))
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        y = x * be.asarray(c)
    tape.backward(y, be.asarray(gy))
    assert grad(x).dtype == np.float64
    np.testing.assert_allclose(grad(x), (gy * np.conj(c)).real, rtol=1e-14)


def test_no_cotangent_means_one_for_a_scalar_of_any_shape_and_precision(be):
    for dtype in (np.float32, np.complex64):
        x = leaf(be, [[2.0]], dtype)
        with sf.Tape() as tape:
            y = x * x
        tape.backward(y)
        assert grad(x).tolist() == [[4.0]] and grad(x).dtype == dtype


def test_the_cotangent_may_be_a_tensor(be):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        y = x * 2
    tape.backward(y, sf.Tensor(be.asarray(np.array(REAL))))
    np.testing.assert_array_equal(grad(x), [2.0, -4.0, 6.0])


@pytest.mark.parametrize(
    ("gy", "message"),
    [
        (None, r"backward: y has shape \(3,\); only a scalar needs no cotangent gy"),
        (np.ones((3, 1)), r"backward: gy is \(3, 1\) float64, but y is \(3,\) float64"),
        (np.ones(3, np.float32), r"backward: gy is \(3,\) float32, but y is \(3,\) float64"),
        (np.ones(3) + 0j, r"backward: gy is \(3,\) complex128, but y is \(3,\) float64"),
    ],
    ids=["missing", "shape", "precision", "complex"],
)
def test_a_cotangent_that_does_not_fit_is_refused_and_the_tape_stays_good(be, gy, message):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        y = x * 2
    with pytest.raises(ValueError, match=f"^{message}$"):
        tape.backward(y, None if gy is None else be.asarray(gy))
    assert x.grad is None
    tape.backward(y, be.asarray(np.ones(3)))
    np.testing.assert_array_equal(grad(x), [2.0] * 3)


@pytest.mark.parametrize(
    ("gy", "message"),
    [(STRICT.xp.ones(3), "got arrays on two devices"), ([1.0, 1.0, 1.0], "expected a NumPy or CuPy array, got list")],
    ids=["other device", "list"],
)
def test_a_cotangent_that_is_no_array_of_this_device_is_refused(gy, message):
    x = leaf(sf.backend.get("cpu"), REAL)
    with sf.Tape() as tape:
        y = x * 2
    with pytest.raises(TypeError, match=f"^backward: {message}"):
        tape.backward(y, gy)


# ---- where ops are recorded ------------------------------------------------------------------------------------


class Watched(Op):
    """y = x, writing down whether anything it saves would be used."""

    name = "watched"

    @staticmethod
    def forward(ctx, x, log):
        ctx.save(x=x)
        log.append((ctx.recording, ctx.needs, len(ctx.saved)))
        return x.copy()

    @staticmethod
    def backward(ctx, gy):
        return gy


def test_outside_a_tape_nothing_is_recorded_orsaved(be):
    x, log = leaf(be, REAL), []
    y = apply(Watched, x, log=log)
    assert log == [(False, (False,), 0)]
    assert not y.requires_grad and y.recipe is None and current() is None


def test_ops_on_constants_are_not_recorded(be):
    log = []
    with sf.Tape() as tape:
        y = apply(Watched, sf.Tensor(be.asarray(np.array(REAL))), log=log)
    assert log == [(False, (False,), 0)]
    assert not y.requires_grad and tape.ledger.rows == [] and tape.ledger.nbytes == 0


def test_a_tape_inside_a_recording_one_is_refused_and_the_outer_goes_on(be):
    x = leaf(be, REAL)
    with sf.Tape() as outer:
        a = x * x
        with pytest.raises(RuntimeError, match=r"^Tape: another tape is recording in this thread"), sf.Tape():
            pass
        assert current() is outer
        y = ops.sum(a + x)
    outer.backward(y)
    np.testing.assert_array_equal(grad(x), 2 * np.array(REAL) + 1)


def test_a_result_of_another_tape_is_a_leaf_here(be):
    x = leaf(be, REAL)
    with sf.Tape() as first:
        a = x * 2
    with sf.Tape() as second:
        y = ops.sum(a * a)
    second.backward(y)
    np.testing.assert_array_equal(grad(a), 4 * np.array(REAL))
    assert x.grad is None
    first.backward(a, a.grad)  # and so the chain can be cut in two
    np.testing.assert_array_equal(grad(x), 8 * np.array(REAL))


def test_backward_inside_the_block_gives_the_same_gradient(be):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        y = ops.sum(x * x)
        tape.backward(y)
    np.testing.assert_array_equal(grad(x), [2.0, -4.0, 6.0])
    assert current() is None


def test_a_tape_in_one_thread_does_not_record_the_ops_of_another():
    x = sf.Tensor(np.ones(3), requires_grad=True)
    seen = []

    def elsewhere():
        seen.append(current())
        seen.append(ops.tanh(x).requires_grad)
        with sf.Tape() as own:
            y = ops.sum(x * 5)
        own.backward(y)

    with sf.Tape() as tape:
        worker = threading.Thread(target=elsewhere)
        worker.start()
        worker.join()
        assert current() is tape
    assert seen == [None, False]
    assert tape.ledger.rows == []
    np.testing.assert_array_equal(x.grad, [5.0] * 3)


# ---- long chains -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        lambda y: ops.reshape(y, (3, 1)) if y.ndim == 1 else ops.reshape(y, (3,)),
        lambda y: ops.transpose(y, range(y.ndim)),
        ops.relu,
        ops.leaky_relu,
        lambda y: y * 1.0,
        lambda y: ops.concatenate([y]) + 0,
    ],
    ids=["reshape", "transpose", "relu", "leaky_relu", "multiply", "concatenate"],
)
def test_ten_thousand_ops_in_a_row_do_not_recurse(step):
    x = sf.Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    with sf.Tape() as tape:
        y = x
        for _ in range(10_000):
            y = step(y)
        y = ops.sum(y * y)
    tape.backward(y)
    np.testing.assert_allclose(x.grad, [2.0, 4.0, 6.0], rtol=1e-12)
    assert len(str(tape.ledger)) > 0


def test_a_growing_concatenation_does_not_recurse():
    x = sf.Tensor(np.ones(2), requires_grad=True)
    with sf.Tape() as tape:
        y = x
        for _ in range(400):
            y = ops.concatenate([y, x])
        y = ops.sum(y * y)
    tape.backward(y)
    np.testing.assert_array_equal(x.grad, [802.0, 802.0])


def test_beyond_a_depth_a_result_is_kept_rather_than_computed_again(rng):
    x = sf.Tensor(rng.standard_normal((4, 5)), requires_grad=True)
    with sf.Tape(store="dense") as tape:
        y = x * 1
        kept_at = []
        for n in range(1, 2 * DEEPEST + 2):
            y = ops.reshape(y, y.shape[::-1])
            kept_at += [n] if y.recipe is None else []
        z = ops.sum(y * y)
    assert kept_at == [DEEPEST + 1]
    assert tape.ledger.nbytes == x.data.nbytes  # the one kept on the way, from which the last is made
    tape.backward(z)
    np.testing.assert_allclose(x.grad, 2 * x.data)
