"""dropout: drawn from its key alone, unbiased, exact gradient, one bit an entry."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import normal, run, value


def test_the_key_alone_fixes_the_draw(be, rng):
    x = normal(rng, (20, 30)) + 5

    def draw(key):
        return value(be, lambda x: ops.dropout(x, 0.5, key), x)

    first = draw((3, 1))
    np.random.random(7)  # noqa: NPY002 - the global generator must not matter
    np.testing.assert_array_equal(draw((3, 1)), first)
    assert (draw((3, 2)) != first).any() and (draw((4, 1)) != first).any()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_share_p_is_zeroed_and_the_rest_grows(be, p):
    y = value(be, lambda x: ops.dropout(x, p, (1,)), np.ones((200, 200)))
    assert abs((y == 0).mean() - p) < 0.01
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p), rtol=1e-12)


def test_gradient_passes_where_the_value_passed(be, rng):
    x, gy = np.ones((20, 30)), normal(rng, (20, 30))
    y, (gx,) = run(be, lambda x: ops.dropout(x, 0.25, (1,)), x, gy=gy)
    np.testing.assert_allclose(gx, gy * y, rtol=1e-14)
    gradcheck(lambda x: ops.dropout(x, 0.25, (1,)), be.asarray(normal(rng, (5, 6))), linear=True, rtol=1e-8)


def test_in_evaluation_and_for_p_zero_it_returns_its_input(be):
    x = Tensor(be.xp.ones(4))
    assert ops.dropout(x, 0.5, training=False) is x and ops.dropout(x, 0) is x


def test_p_one_drops_everything(be, rng):
    y, (gx,) = run(be, lambda x: ops.dropout(x, 1.0), normal(rng, (5, 6)))
    assert not y.any() and not gx.any()


def test_one_bit_an_entry_is_saved(be):
    with Tape() as tape:
        ops.dropout(Tensor(be.xp.ones((16, 10)), requires_grad=True))
    assert tape.ledger.nbytes == 20


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_p_outside_zero_to_one_is_refused(be, p):
    with pytest.raises(ValueError, match=f"^dropout: p must be between 0 and 1, got {p}$"):
        ops.dropout(Tensor(be.xp.ones(4)), p)


def test_what_is_dropped_is_zero_without_a_sign_and_costs_a_store_nothing(be):
    x = Tensor(be.asarray(np.full((50, 40), -1.0)), requires_grad=True)
    with Tape(store="mask") as tape:
        y = ops.dropout(x, 0.5, (1,))
        ops.tanh(y)
    kept = np.count_nonzero(y.numpy())
    assert not np.signbit(y.numpy()[y.numpy() == 0]).any()
    assert tape.ledger.density("tanh") == [kept / 2000]


def test_single_precision_is_kept(be):
    y, (gx,) = run(be, lambda x: ops.dropout(x, 0.3), np.ones((20, 30), np.float32))
    assert y.dtype == gx.dtype == np.float32
    np.testing.assert_array_equal(np.unique(y), np.array([0, 1 / 0.7], np.float32))


def test_a_key_that_is_a_function_is_asked_for_once(be, rng):
    x, calls = normal(rng, (20, 30)), []
    y = value(be, lambda x: ops.dropout(x, 0.5, lambda: calls.append(1) or (3, 1)), x)
    np.testing.assert_array_equal(y, value(be, lambda x: ops.dropout(x, 0.5, (3, 1)), x))
    assert len(calls) == 1


def test_an_empty_batch_gives_empty_maps_and_gradients(be):
    y, (gx,) = run(be, ops.dropout, np.zeros((4, 5, 0, 3)))
    assert y.shape == gx.shape == (4, 5, 0, 3)


def test_the_host_does_not_wait_for_the_device(rng):
    x = Tensor(STRICT.asarray(normal(rng, (4, 5))), requires_grad=True)
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = ops.dropout(x)
        tape.backward(y, STRICT.xp.ones(y.shape))
    assert waits() == 0
