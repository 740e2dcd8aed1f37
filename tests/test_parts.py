"""Parts of a batch: where they lie in it, what ops draw for them, and what an op without images may do."""

from types import SimpleNamespace

import numpy as np
import pytest

from specframe import Tape, Tensor, backend, ops, parts
from specframe.op import Context
from specframe.parts import is_cut, place


def part(start, stop, whole):
    return SimpleNamespace(start=start, stop=stop, whole=whole, total=lambda part, combine: combine([part]))


def test_a_batch_that_nobody_cut_is_whole():
    assert place(5) == (0, 5) and place(0) == (0, 0) and not is_cut()
    with parts.running.inside(part(0, 3, 3)):
        assert not is_cut() and place(3) == (0, 3)


def test_a_part_of_a_part_is_placed_in_the_whole_batch():
    with parts.running.inside(part(4, 8, 9)), parts.running.inside(part(2, 4, 4)):
        assert is_cut() and place(2) == (6, 9)
        assert place(6) == (18, 27)  # three entries an image
        assert place(5) == (0, 5)  # no part of the batch
    with parts.running.inside(part(9, 9, 9)):
        assert place(0) == (0, 0) and place(4) == (0, 4)


@pytest.mark.parametrize("shape", [(2, 3, 6, 4), (6, 5), (6,)])
def test_parts_draw_together_what_the_whole_batch_draws(shape):
    ctx, axis = Context(backend.get("cpu"), ()), parts.batch_axis(shape)
    whole, pieces = ctx.random((1, 2), shape, np.float32), []
    for start, stop in [(0, 1), (1, 4), (4, 4), (4, 6)]:
        with parts.running.inside(part(start, stop, 6)):
            pieces.append(ctx.random((1, 2), (*shape[:axis], stop - start, *shape[axis + 1 :]), np.float32))
    np.testing.assert_array_equal(np.concatenate([p for p in pieces if p.size], axis), whole)


def test_a_number_is_drawn_alike_in_all_parts():
    ctx = Context(backend.get("cpu"), ())
    with parts.running.inside(part(1, 2, 2)):
        assert ctx.random((1,), (), np.float64) == ctx.random((1,), (), np.float64)


def test_a_part_without_images_has_no_loss_and_empty_gradients():
    logits = Tensor(np.zeros((0, 3)), requires_grad=True)
    with parts.running.inside(part(2, 2, 2)), Tape() as tape:
        loss = ops.softmax_cross_entropy(logits, np.zeros(0, int))
    tape.backward(loss)
    assert loss.item() == 0 and logits.grad.shape == (0, 3)


@pytest.mark.parametrize("count", [0, 1])
def test_a_part_with_one_entry_a_channel_is_normalised_if_the_batch_has_more(count):
    x, one = Tensor(np.full((1, 1, count, 1), 3.0)), Tensor(np.ones(1))
    around = part(0, count, 2)
    around.total = lambda here, combine: combine([here, (1, np.array([5.0]), np.array([0.0]))])
    with parts.running.inside(around):
        if count:
            np.testing.assert_allclose(ops.batch_norm2d(x, one, one, eps=0).numpy(), [[[[0.0]]]])  # -1 + beta
        else:
            with pytest.raises(ValueError, match=r"^batch normalisation: training needs more than one entry"):
                ops.batch_norm2d(x, one, one)
