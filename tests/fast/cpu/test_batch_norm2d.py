"""batch_norm2d on the CPU: from its output, but where that loses digits; equal to the plain body."""

import functools

import numpy as np
import pytest

import specframe as sf
from specframe import Tape, Tensor, ops
from specframe.fast.cpu.batch_norm2d import LIMIT, FastBatchNorm2d
from specframe.op import Context
from specframe.ops.batch_norm2d import BatchNorm2d
from tests.fast.bodies import CPU, LAYOUTS, Given, assert_bodies_agree
from tests.ops.common import normal

GAMMAS = [[0.5, -1.5, 2.0], [0.5, 0.0, -2.0], [0.0, 1e-3, 0.0]]
SHAPES = [
    (4, 5, 2, 3),
    (5, 3, 1, 3),
    (1, 1, 4, 3),
    (2, 4, 3, 3),
    (64, 8, 16, 3),
    (16, 64, 128, 3),
]  # the last in pieces
every_gamma = pytest.mark.parametrize("gamma", GAMMAS)


def draw(rng, shape=SHAPES[0], gamma=GAMMAS[0]):
    return normal(rng, shape) * [1, 2, 0.5] + [0, 3, -1], np.array(gamma), normal(rng, 3)


def running():
    return np.array([0.1, 2.0, -1.0]), np.array([1.0, 4.0, 0.3])


def test_it_is_registered():
    assert CPU.bodies[BatchNorm2d] is FastBatchNorm2d


@every_gamma
@pytest.mark.parametrize("shape", SHAPES)
def test_it_equals_the_plain_body(rng, shape, gamma):
    assert_bodies_agree(ops.batch_norm2d, *draw(rng, shape, gamma))


@every_gamma
@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_equals_the_plain_body_in_any_layout(rng, layout, gamma):
    assert_bodies_agree(ops.batch_norm2d, *draw(rng, gamma=gamma), layout=layout)


@every_gamma
def test_it_equals_the_plain_body_in_evaluation(rng, gamma):
    statistics = running()
    assert_bodies_agree(lambda *a: ops.batch_norm2d(*a, statistics, training=False), *draw(rng, gamma=gamma))


@every_gamma
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("needs", [(True, False, False), (False, True, False), (False, False, True)])
def test_it_equals_the_plain_body_where_some_gradients_are_not_asked_for(rng, gamma, training, needs):
    statistics = running()
    assert_bodies_agree(
        lambda *a: ops.batch_norm2d(*a, None if training else statistics, training),
        *draw(rng, gamma=gamma),
        needs=needs,
    )


@every_gamma
@pytest.mark.parametrize("training", [True, False])
def test_it_equals_the_plain_body_on_an_empty_batch(rng, gamma, training):
    statistics = running()
    assert_bodies_agree(lambda *a: ops.batch_norm2d(*a, statistics, training), *draw(rng, (4, 5, 0, 3), gamma))


@every_gamma
@pytest.mark.parametrize("count", [2, 5])
def test_it_equals_the_plain_body_on_slices_of_the_batch(rng, gamma, count):
    def sliced(x, gamma, beta):
        return sf.checkpoint(lambda x: ops.batch_norm2d(x, gamma, beta, eps=1e-3), x, slices=count)

    assert_bodies_agree(sliced, *draw(rng, (3, 4, 5, 3), gamma))


@pytest.mark.parametrize("count", [1, 2])
def test_it_moves_the_running_statistics_as_the_plain_body_does(rng, count):
    arrays, after = draw(rng), []
    for scope in (sf.reference, functools.partial(sf.store, "dense")):
        statistics = running()
        with scope(), Tape():
            x, gamma, beta = (Tensor(array, requires_grad=True) for array in arrays)
            sf.checkpoint(lambda x: ops.batch_norm2d(x, gamma, beta, statistics, momentum=0.3), x, slices=count)  # noqa: B023
        after.append(statistics)
    for one, other, before in zip(*after, running(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
        assert (one != before).all()


# ---- what is saved ---------------------------------------------------------------------------------------------


def saved(x, gamma, beta, **options):
    """{array: bytes} of what a normalisation saves, and its context's lost channels."""
    with Tape("dense") as tape:
        ops.batch_norm2d(*(Tensor(np.asarray(a), requires_grad=True) for a in (x, gamma, beta)), **options)
    return {row.array: row.nbytes for row in tape.ledger.rows if row.nbytes}


def test_the_output_is_saved_and_nothing_besides(rng):
    x, gamma, beta = draw(rng)
    assert saved(x, gamma, beta) == {"y": x.nbytes}


def test_of_the_channels_that_y_cannot_give_back_h_is_saved_too(rng):
    x, gamma, _ = draw(rng, gamma=[1.0, -1.0, 1.0])
    above = LIMIT * 1.001  # the deviation of h is 1, a little less by eps
    for beta, channels in (([0.0, LIMIT * 0.999, 1.0], 0), ([0, above, 1], 1), ([-above, above, 1], 2)):
        expected = {"y": x.nbytes} | ({"h": x.nbytes * channels // 3} if channels else {})
        assert saved(x, gamma, np.array(beta, float)) == expected
        statistics = np.zeros(3), np.ones(3)
        assert saved(x, gamma, np.array(beta, float), running=statistics, training=False) == expected


def test_a_gamma_of_zero_or_below_the_range_of_float32_cannot_give_h_back_even_without_beta(rng):
    x, zero = draw(rng)[0], np.zeros(3)
    assert saved(x, np.array([1e-29, 1, 1]), zero) == {"y": x.nbytes}
    assert saved(x, np.array([1e-31, 1, -0.0]), zero) == {"y": x.nbytes, "h": x.nbytes * 2 // 3}


def test_where_h_is_small_a_beta_counts_for_more(rng):
    x, ones = draw(rng)[0], np.ones(3)
    x[..., 0] = 1e-4 * normal(rng, x.shape[:3])  # h = 1e-4 / sqrt(1e-5) at most
    assert saved(x, ones, np.array([0.2, 0.2, 0.2])) == {"y": x.nbytes, "h": x.nbytes // 3}
    assert saved(x, ones, np.array([0.01, 0.2, 0.2])) == {"y": x.nbytes}
    x[..., 0] = 7.0  # h = 0 and y = beta, exactly
    assert saved(x, ones, np.array([0.2, 0.2, 0.2])) == {"y": x.nbytes}


def test_without_a_tape_nothing_is_looked_at(rng):
    x, gamma, beta = draw(rng, (64, 64, 8, 3), gamma=[0.0, 0.0, 0.0])
    with CPU.peak_memory() as peak:
        y = ops.batch_norm2d(*map(Tensor, (x, gamma, beta)))
    assert peak.nbytes < 1.8 * y.data.nbytes  # y and a piece of x, no h


# ---- where gradients are built ----------------------------------------------------------------------------------


@every_gamma
def test_gx_takes_the_place_of_a_y_that_nobody_else_has(rng, gamma):
    x, gamma, beta = draw(rng, gamma=gamma)
    results = []
    for handle in (Given, KeptByOthers):
        ctx = Context(CPU, (True, True, True))
        y = FastBatchNorm2d.forward(ctx, x, gamma, beta, None, True, 0.1, 1e-5)
        gy = np.random.default_rng(0).standard_normal(y.shape)
        before = y.copy()
        ctx.saved = {name: handle(array) for name, array in ctx.saved.items()}
        results.append(FastBatchNorm2d.backward(ctx, gy))
        assert np.shares_memory(results[-1][0], y) == (handle is Given)
        assert handle is Given or (y == before).all()
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


class KeptByOthers(Given):
    def writable(self):
        return self.array, False


def test_neither_direction_makes_another_map_besides_its_result(rng):
    x, gamma, beta = draw(rng, (64, 64, 32, 3))
    arrays = [Tensor(a, requires_grad=True) for a in (x, gamma, beta)]
    with CPU.peak_memory() as forward, Tape("dense") as tape:
        y = ops.batch_norm2d(*arrays)
    gy = np.ones(y.shape)
    with CPU.peak_memory() as backward:
        tape.backward(y, gy)
    assert max(forward.nbytes, backward.nbytes) < 1.3 * x.nbytes
