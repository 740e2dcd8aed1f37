"""no_grad: what runs inside is not recorded, wherever it is, and everything else stays as it was."""

import threading

import numpy as np
import pytest

import specframe as sf
from specframe import Tape, Tensor, ops
from specframe.layers import BatchNorm2d, Dropout
from specframe.recording import current, gradients_off, recording


@pytest.fixture
def w(be):
    return Tensor(be.asarray(np.array([1.0, 2.0])), requires_grad=True)


def test_results_inside_require_no_gradient_and_are_constants_to_what_follows(be, w):
    with Tape() as tape:
        with sf.no_grad():
            y = ops.exp(w * 3)
        z = (y * w).sum()
    assert not y.requires_grad and z.requires_grad
    tape.backward(z)
    np.testing.assert_array_equal(be.to_host(w.grad), y.numpy())


def test_nothing_inside_is_saved_but_what_is_used_after_it_is_counted(w):
    with Tape(store="dense") as tape:
        with sf.no_grad():
            y = ops.exp(ops.exp(w))
        assert tape.ledger.nbytes == 0
        ops.multiply(y, w)
    assert tape.ledger.nbytes == y.data.nbytes


def test_without_a_tape_nothing_changes(w):
    with sf.no_grad():
        assert current() is None and gradients_off() and not (w * 2).requires_grad
    assert not gradients_off()


@pytest.mark.parametrize("decorate", [sf.no_grad(), sf.no_grad], ids=["@no_grad()", "@no_grad"])
def test_it_decorates_functions_that_may_call_themselves(w, decorate):
    @decorate
    def repeated(x, n):
        """Docs."""
        assert gradients_off()
        return x if n == 0 else repeated(x * 2, n - 1)

    with Tape():
        assert not repeated(w, 3).requires_grad and (w * 2).requires_grad
    assert repeated.__name__ == "repeated" and repeated.__doc__ == "Docs." and recording() == []


def test_blocks_nest_and_an_error_leaves_nothing_behind(w):
    with Tape() as tape:
        with sf.no_grad():
            with sf.no_grad():
                pass
            assert not (w * 2).requires_grad
        with pytest.raises(ZeroDivisionError), sf.no_grad():
            raise ZeroDivisionError
        assert current() is tape and not gradients_off()
        assert (w * 2).requires_grad


def test_a_tape_opened_inside_records(be, w):
    with Tape() as outer, sf.no_grad(), Tape() as inner:
        y = (w * w).sum()
    inner.backward(y)
    np.testing.assert_array_equal(be.to_host(w.grad), [2, 4])
    with pytest.raises(ValueError, match=r"^backward: the tensor was not computed under this tape"):
        outer.backward(y)


def test_another_thread_records_all_the_while(w):
    seen = []

    def record():
        with Tape():
            seen.append((w * 2).requires_grad and not gradients_off())

    with sf.no_grad():
        thread = threading.Thread(target=record)
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_store_chosen_inside_is_the_tapes_business(w):
    with Tape() as tape:
        with sf.no_grad(), sf.store("dense"):
            ops.exp(w)
        assert len(tape.saving._chosen) == 1


# ---- inside checkpoints ----------------------------------------------------------------------------------------


def checkpointed(be, fn, slices=1):
    """y and gradient of fn over a batch of four, under a checkpoint or (slices 0) without."""
    x = Tensor(be.asarray(np.random.default_rng(1).standard_normal((3, 3, 4, 2))), requires_grad=True)
    with Tape(seed=1) as tape:
        y = fn(x) if slices == 0 else sf.checkpoint(fn, x, slices=slices)
        loss = (y * y).sum()
    tape.backward(loss)
    return y.numpy(), be.to_host(x.grad)


def test_dropout_inside_draws_the_same_in_both_runs_of_a_checkpoint(be):
    dropout = Dropout(0.5, seed=1)
    seen = []

    def fn(x):
        with sf.no_grad():
            mask = dropout(x * 0 + 1)
        seen.append(mask.numpy().copy())
        return x * mask

    y, gradient = checkpointed(be, fn)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert len(seen) == 2 and 0 < (y == 0).mean() < 1
    np.testing.assert_array_equal(gradient == 0, y == 0)


@pytest.mark.parametrize("slices", [1, 2, 4])
def test_batch_normalisation_inside_counts_once_and_over_the_whole_batch(be, slices):
    def fresh():
        norm = BatchNorm2d(2, dtype=np.float64)
        return norm.to(be)

    def with_statistics(norm):
        def fn(x):
            with sf.no_grad():
                target = norm(x)
            return x * target

        return fn

    plain, cut = fresh(), fresh()
    expected = checkpointed(be, with_statistics(plain), slices=0)
    for result, wanted in zip(checkpointed(be, with_statistics(cut), slices), expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12)
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(be.to_host(getattr(cut, name)), be.to_host(getattr(plain, name)), rtol=1e-12)


def test_a_checkpoint_inside_is_its_function(be, w):
    with Tape() as tape:
        with sf.no_grad():
            y = sf.checkpoint(lambda x: ops.exp(x), w)
        assert not y.requires_grad and tape.ledger.nbytes == 0
    np.testing.assert_array_equal(y.numpy(), np.exp(w.numpy()))
