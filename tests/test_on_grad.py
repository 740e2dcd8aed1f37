"""on_grad: called once with each leaf that a gradient reaches, as soon as its gradient is complete."""

import numpy as np

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from tests.test_tape import REAL, grad, leaf


def test_on_grad_fires_once_for_each_leaf_last_layers_first(be, rng):
    x = sf.Tensor(be.asarray(rng.standard_normal((4, 3))))
    w1, w2 = leaf(be, rng.standard_normal((5, 3))), leaf(be, rng.standard_normal((2, 5)))
    b1, b2 = leaf(be, np.zeros(5)), leaf(be, np.zeros(2))
    seen = []
    with sf.Tape() as tape:
        y = ops.sum(ops.linear(ops.tanh(ops.linear(x, w1, b1)), w2, b2))
    tape.backward(y, on_grad=lambda t: seen.append((t, grad(t).copy())))
    assert [t for t, _ in seen[:2]] in ([w2, b2], [b2, w2])
    assert [t for t, _ in seen[2:]] in ([w1, b1], [b1, w1])
    for tensor, then in seen:
        np.testing.assert_array_equal(grad(tensor), then)


def test_on_grad_waits_for_the_first_of_two_uses(be):
    x, w = leaf(be, REAL), leaf(be, REAL)
    seen = []
    with sf.Tape() as tape:
        a = w * x
        y = ops.sum(w * a)
    tape.backward(y, on_grad=lambda t: seen.append((t, grad(t).copy())))
    assert len(seen) == 2 and {id(t) for t, _ in seen} == {id(x), id(w)}
    complete = next(g for t, g in seen if t is w)
    np.testing.assert_allclose(complete, 2 * np.array(REAL) * REAL)


def test_on_grad_fires_for_a_leaf_whose_first_use_the_gradient_never_reaches(be):
    x, seen = leaf(be, REAL), []
    with sf.Tape() as tape:
        _ = x * 2  # leads nowhere
        y = ops.sum(x * 3)
    tape.backward(y, on_grad=seen.append)
    assert seen == [x]
    np.testing.assert_array_equal(grad(x), [3.0] * 3)


def test_on_grad_is_silent_for_a_leaf_that_the_gradient_never_reaches(be):
    x, unused, seen = leaf(be, REAL), leaf(be, REAL), []
    with sf.Tape() as tape:
        _ = unused * 2
        y = ops.sum(x * x)
    tape.backward(y, on_grad=seen.append)
    assert seen == [x] and unused.grad is None


def test_on_grad_sees_the_sum_with_an_earlier_tape(be):
    x, seen = leaf(be, REAL), []
    for _ in range(2):
        with sf.Tape() as tape:
            y = ops.sum(x * 2)
        tape.backward(y, on_grad=lambda t: seen.append(grad(t)[0]))
    assert seen == [2.0, 4.0]


def test_on_grad_may_update_a_leaf_at_once_though_ops_hold_it_by_reference(be):
    def step(at_once):
        x, w = leaf(be, REAL), leaf(be, REAL)

        def update(tensor):
            tensor.data -= tensor.grad
            tensor.grad = None

        with sf.Tape(check=True) as tape:
            y = ops.sum(w * ops.tanh(w * x))
        tape.backward(y, on_grad=update if at_once else None)
        if not at_once:
            update(x), update(w)
        return to_host(x.data), to_host(w.data)

    np.testing.assert_array_equal(step(at_once=True), step(at_once=False))
