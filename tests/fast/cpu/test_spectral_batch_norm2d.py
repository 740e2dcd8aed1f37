"""spectral_batch_norm2d on the CPU, by lines of reals: equal to the plain body."""

import numpy as np
import pytest

import specframe as sf
from specframe import Tape, Tensor, ops
from specframe.fast.cpu.spectral_batch_norm2d import FastSpectralBatchNorm2d
from specframe.op import Context
from specframe.ops.spectral_batch_norm2d import SpectralBatchNorm2d
from specframe.spectrum import Spectrum
from tests.fast.bodies import CPU, LAYOUTS, Given, assert_bodies_agree
from tests.ops.common import normal, on_grid

GRIDS = [(4, 6), (5, 4), (3, 7), (6, 5), (2, 2), (1, 3), (3, 1), (32, 33)]
norms = pytest.mark.parametrize("norm", ["ortho", "backward"])


def draw(rng, grid, batch=2):
    Y = normal(rng, (grid[0], grid[1] // 2 + 1, batch, 3), np.complex128)
    Y[:1, :1] += np.array([0, 3, -5]) * grid[0]
    return Y, np.array([0.5, -1.5, 0.0]), np.array([0.3, -2.0, 1.0])


def running():
    return np.array([0.1, 2.0, -1.0]), np.array([1.0, 4.0, 0.3])


def call(grid, norm="ortho", **options):
    return on_grid(lambda *a: ops.spectral_batch_norm2d(*a, **options), grid, norm)


def test_it_is_registered():
    assert CPU.bodies[SpectralBatchNorm2d] is FastSpectralBatchNorm2d


@norms
@pytest.mark.parametrize("batch", [1, 2, 0, 33])
@pytest.mark.parametrize("grid", GRIDS)
def test_it_equals_the_plain_body(rng, grid, batch, norm):
    assert_bodies_agree(call(grid, norm), *draw(rng, grid, batch))
    assert_bodies_agree(call(grid, norm, running=running(), training=False), *draw(rng, grid, batch))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_equals_the_plain_body_in_any_layout(rng, layout):
    assert_bodies_agree(call((4, 5)), *draw(rng, (4, 5)), layout=layout)


@norms
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("needs", [(True, False, False), (False, True, False), (False, False, True)])
def test_it_equals_the_plain_body_where_some_gradients_are_not_asked_for(rng, training, needs, norm):
    options = {"running": None if training else running(), "training": training}
    assert_bodies_agree(call((4, 6), norm, **options), *draw(rng, (4, 6)), needs=needs)


@pytest.mark.parametrize("store", ["dense", "mask"])
def test_it_equals_the_plain_body_where_gY_takes_the_place_of_a_Y_that_nobody_else_has(rng, store):
    def fn(Y, gamma, beta):
        kept = Y * 1
        kept.spectrum = Spectrum((4, 6), (4, 6))
        return ops.spectral_batch_norm2d(kept, gamma, beta)

    assert_bodies_agree(fn, *draw(rng, (4, 6)), store=store)


@norms
def test_it_equals_the_plain_body_on_slices_of_the_batch(rng, norm):
    def sliced(Y, gamma, beta):
        Y.spectrum = Spectrum((4, 5), (4, 5), norm)
        return sf.checkpoint(lambda Y: ops.spectral_batch_norm2d(Y, gamma, beta), Y, slices=2)

    assert_bodies_agree(sliced, *draw(rng, (4, 5), batch=5))


def test_gY_takes_the_place_of_a_Y_that_nobody_else_has(rng):
    Y, gamma, beta = draw(rng, (4, 6))
    ctx = Context(CPU, (True, True, True))
    Z = FastSpectralBatchNorm2d.forward(ctx, Y, gamma, beta, None, True, 0.1, 1e-5, Spectrum((4, 6), (4, 6)))
    ctx.saved = {name: Given(array) for name, array in ctx.saved.items()}
    gY, _, _ = FastSpectralBatchNorm2d.backward(ctx, normal(rng, Z.shape, np.complex128))
    assert gY is Y


def test_an_evaluation_that_trains_no_gamma_saves_no_spectrum(rng):
    Y, gamma, beta = map(Tensor, draw(rng, (4, 5)))
    Y.requires_grad = True
    with Tape("dense") as tape:
        call((4, 5), running=running(), training=False)(Y * 1, gamma, beta)
    assert [row.array for row in tape.ledger.rows if row.op == "spectral_batch_norm2d"] == ["gamma"]
    gamma.requires_grad, Y.requires_grad = True, False
    with Tape("dense") as tape:
        call((4, 5), running=running(), training=False)(Y * 1, gamma, beta)
    assert [row.array for row in tape.ledger.rows if row.op == "spectral_batch_norm2d"] == ["Y", "gamma"]
