"""What a tape and an op refuse, in which sentence, and that nothing is left behind."""

import gc
import weakref

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.op import Op
from specframe.recording import current
from specframe.tape import apply
from tests.kit.strict import STRICT
from tests.test_tape import REAL, grad, leaf

# ---- what a tape refuses ---------------------------------------------------------------------------------------


def test_a_spent_tape_refuses_a_second_backward(be):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        y = ops.sum(x * x)
    tape.backward(y)
    with pytest.raises(RuntimeError, match=r"^backward: this tape is spent \(entries are freed as they are used\)"):
        tape.backward(y)
    np.testing.assert_array_equal(grad(x), [2.0, -4.0, 6.0])


NOT_FROM_HERE = "^backward: the tensor was not computed under this tape from one that requires a gradient$"


def test_backward_refuses_what_this_tape_did_not_compute(be):
    x = leaf(be, REAL)
    outside = ops.sum(x * x)
    with sf.Tape():
        elsewhere = ops.sum(x * x)
    with sf.Tape() as tape:
        y = ops.sum(x * x)
        without = ops.sum(sf.Tensor(x.data) * 2)
    for tensor in (x, outside, elsewhere, without):
        with pytest.raises(ValueError, match=NOT_FROM_HERE):
            tape.backward(tensor)
    tape.backward(y)  # the refusals did not spend it


def test_a_tape_records_one_forward_only(be):
    x = leaf(be, REAL)
    with sf.Tape() as tape:
        y = ops.sum(x)
    with pytest.raises(RuntimeError, match=r"^Tape: a tape records one forward; make a new one for the next$"), tape:
        pass
    tape.backward(y)
    with pytest.raises(RuntimeError, match=r"^Tape: a tape records one forward"), tape:
        pass
    assert current() is None


def test_a_tape_that_is_recording_cannot_be_entered_again():
    with sf.Tape() as tape:
        with pytest.raises(RuntimeError, match=r"^Tape: "), tape:
            pass
        assert current() is tape
    assert current() is None


def test_unknown_settings_are_refused_and_the_known_ones_listed():
    with pytest.raises(ValueError, match=r"^Tape: unknown recompute 'blocks', expected None or 'block'$"):
        sf.Tape(recompute="blocks")
    with pytest.raises(ValueError, match=r"^unknown store 'sparse': choose dense, csr, mask, auto, "):
        sf.Tape(store="sparse")


# ---- after an exception ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["dense", "auto"])
def test_a_failed_forward_leaves_nothing_behind(be, store):
    tape = sf.Tape(store=store)

    def forward():
        x = leaf(be, REAL)
        with tape:
            a = ops.tanh(x * 2)
            alive.extend(weakref.ref(thing) for thing in (x, x.data, a, a.data))
            ops.reshape(a, (5, 5))

    alive = []
    with pytest.raises(ValueError, match=r"^reshape: cannot arrange"):
        forward()
    gc.collect()  # the traceback held the frame
    assert current() is None
    assert [ref() is None for ref in alive] == [True] * 4
    assert tape.ledger.rows == []


def test_a_tape_whose_forward_failed_cannot_be_used(be):
    x = leaf(be, REAL)
    with pytest.raises(ZeroDivisionError), sf.Tape() as tape:
        y = ops.sum(x * x)
        _ = 1 / 0
    with pytest.raises(RuntimeError, match=r"^backward: "):
        tape.backward(y)
    with pytest.raises(RuntimeError, match=r"^Tape: "), tape:
        pass
    assert x.grad is None


# ---- rules that break the contract are named -------------------------------------------------------------------


class Broken(Op):
    """y = a + b, with a backward that returns whatever it is told to."""

    name = "broken"

    @staticmethod
    def forward(ctx, a, b, answer):
        ctx.answer = answer
        return a + b

    @staticmethod
    def backward(ctx, gy):
        return ctx.answer(gy)


def broken(be, answer, second_needs=True):
    a, b = leaf(be, REAL), leaf(be, REAL)
    b.requires_grad = second_needs
    with sf.Tape() as tape:
        y = apply(Broken, a, b, answer=answer)
    tape.backward(y, be.asarray(np.ones(3)))
    return a, b


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda g: (g, g[:2]), r"the gradient of input 1 is \(2,\) float64, the input \(3,\) float64"),
        (lambda g: (g[None], g), r"the gradient of input 0 is \(1, 3\) float64, the input \(3,\) float64"),
        (lambda g: (g.astype(np.float32), g), r"the gradient of input 0 is \(3,\) float32, the input \(3,\) float64"),
        (lambda g: (g, g * 1j), r"the gradient of input 1 is \(3,\) complex128, the input \(3,\) float64"),
        (lambda g: g, "backward gave 1 gradients for 2 inputs"),
        (lambda g: (g, g, g), "backward gave 3 gradients for 2 inputs"),
    ],
    ids=["shape", "axis too many", "precision", "complex", "too few", "too many"],
)
def test_a_rule_that_returns_something_else_is_named_by_its_op(be, answer, message):
    with pytest.raises(RuntimeError, match=f"^broken: {message}$"):
        broken(be, answer)


def test_a_rule_may_leave_out_a_gradient(be):
    a, b = broken(be, lambda g: (None, g))
    assert a.grad is None
    np.testing.assert_array_equal(grad(b), [1.0] * 3)


def test_a_gradient_that_nobody_asked_for_is_dropped_unread(be):
    a, b = broken(be, lambda g: (g, "nonsense"), second_needs=False)
    np.testing.assert_array_equal(grad(a), [1.0] * 3)
    assert b.grad is None


# ---- what an op accepts ----------------------------------------------------------------------------------------


def two(*shape):
    """The same zeros on the CPU and on the strict stand-in for a GPU."""
    return sf.Tensor(np.zeros(shape)), sf.Tensor(STRICT.xp.zeros(shape))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("multiply", lambda: two(3)[0] * two(3)[1]),
        ("add", lambda: ops.add(two(3)[0], STRICT.xp.zeros(3))),
        ("linear", lambda: ops.linear(two(4, 3)[0], two(2, 3)[1])),
        ("linear", lambda: ops.linear(two(4, 3)[0], two(2, 3)[0], two(2)[1])),
        ("conv2d", lambda: ops.conv2d(two(5, 5, 1, 2)[0], two(3, 2, 3, 3)[1])),
        ("concatenate", lambda: ops.concatenate(two(2, 2))),
        ("softmax_cross_entropy", lambda: ops.softmax_cross_entropy(two(2, 3)[0], STRICT.xp.zeros(2, np.int64))),
        (
            "spectral_conv2d",
            lambda: ops.spectral_conv2d(ops.rfft2(two(4, 4, 1, 2)[0], (6, 6)), two(3, 2, 3, 3)[1]),
        ),
    ],
)
def test_tensors_on_two_devices_are_refused_by_the_name_of_the_op(name, call):
    with pytest.raises(TypeError, match=rf"^{name}: got arrays on two devices \(cpu and strict\)"):
        call()


@pytest.mark.parametrize("op", [ops.relu, ops.tanh, ops.sum])
def test_an_array_in_place_of_a_tensor_is_refused_with_the_cure(op):
    message = rf"^{op.__name__}: expected a Tensor, got ndarray; wrap it: sf.Tensor\(array\)$"
    with pytest.raises(TypeError, match=message):
        op(np.ones(3))


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_forward_with_several_results_is_refused_and_not_stacked(be, kind):
    class Two(Op):
        name = "two"

        @staticmethod
        def forward(ctx, x):
            return kind((x, x))

    with pytest.raises(TypeError, match=f"two: forward returned a {kind.__name__}; an op has one array as its result"):
        apply(Two, leaf(be, [1.0, 2.0]))
