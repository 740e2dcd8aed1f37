"""The fast rfft2 and irfft2 equal those of ops/: values and gradients on all kinds of grids, made again too."""

import numpy as np
import pytest

from specframe import Tape, Tensor, ops, reference
from specframe.bodies import body
from specframe.fast.cpu import dft, fourier
from specframe.ops.fourier import IRFFT2, RFFT2
from specframe.spectrum import column_weights
from tests.fast.cpu.common import CPU, assert_close, both
from tests.ops.common import normal, spectrum_tensor

# (rows, cols) on (P, W): the four parities, not square, without padding, one point, and one too large for products
SHAPES = [
    ((1, 1), (1, 1)), ((3, 4), (4, 6)), ((4, 3), (5, 6)), ((3, 4), (4, 7)), ((5, 2), (7, 5)), ((5, 6), (5, 6)),
    ((20, 64), (21, 64)), ((6, 60), (6, 65)), ((70, 2), (72, 3)),
]  # fmt: skip
shapes = pytest.mark.parametrize(("size", "grid"), SHAPES)
norms = pytest.mark.parametrize("norm", ["ortho", "backward"])
precisions = pytest.mark.parametrize("real", [np.float32, np.float64])


def half(rng, grid, real, *tail):
    """Any complex half spectrum: its edge columns are not Hermitian."""
    return normal(rng, (grid[0], grid[1] // 2 + 1, *tail), np.result_type(real, np.complex64))


def test_they_are_the_bodies_on_the_cpu():
    assert body(RFFT2, CPU) is fourier.FastRFFT2 and body(IRFFT2, CPU) is fourier.FastIRFFT2
    with reference():
        assert body(RFFT2, CPU) is RFFT2 and body(IRFFT2, CPU) is IRFFT2


@precisions
@norms
@shapes
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_rfft2_equals_the_plain_one(rng, size, grid, norm, real, batch):
    x, gX = normal(rng, (*size, batch, 2), real), half(rng, grid, real, batch, 2)
    both(lambda x: ops.rfft2(x, grid, norm), x, gy=gX)


@precisions
@norms
@shapes
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_irfft2_equals_the_plain_one(rng, size, grid, norm, real, batch):
    Z, gy = half(rng, grid, real, batch, 2), normal(rng, (*size, batch, 2), real)
    both(lambda Z: ops.irfft2(Z, grid, size, norm), Z, gy=gy)


@norms
@shapes
def test_what_is_made_again_equals_what_was(rng, size, grid, norm):
    x, Z = normal(rng, (*size, 2, 1)), half(rng, grid, np.float64, 2, 1)
    Z = spectrum_tensor(CPU, Z, grid, size, norm)
    Z.requires_grad = True
    with Tape("dense", recompute="block") as tape:
        X, y = ops.rfft2(Tensor(x, requires_grad=True), grid, norm), ops.irfft2(ops.split_tanh(Z))
        ops.multiply(X, X)
        ops.multiply(y, y)
    for tensor, op in ((X, fourier.FastRFFT2), (y, fourier.FastIRFFT2)):
        assert tensor.recipe.op is op
        sources = [source.data if isinstance(source, Tensor) else source.dense() for source in tensor.recipe.sources]
        np.testing.assert_array_equal(op.remake(tensor.recipe.ctx, *sources), tensor.data)
    del tape


def test_a_contiguous_view_and_one_that_is_not_give_the_same(rng):
    x, Z = normal(rng, (2, 5, 4, 3)).T[:, ::-1], normal(rng, (2, 3, 4, 6), np.complex128).T
    both(lambda x: ops.rfft2(x, (5, 7)), x, gy=half(rng, (5, 7), np.float64, 5, 2))
    both(lambda Z: ops.irfft2(Z, (6, 7)), Z, gy=normal(rng, (6, 7, 3, 2))[:, ::-1])


# ---- frequencies that are empty --------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [(6, 7), (6, 66)])
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_where_the_spectrum_is_active_nothing_is_lost(rng, grid, share):
    active = rng.random((grid[0], grid[1] // 2 + 1)) < share
    Z = half(rng, grid, np.float64, 2, 1) * active[:, :, None, None]
    gy, tensor = normal(rng, (5, 6, 2, 1)), spectrum_tensor(CPU, Z, grid, (5, 6), active=active)
    tensor.requires_grad = True
    with Tape() as tape:
        y = ops.irfft2(tensor)
    tape.backward(y, gy)
    with reference():
        bare = Tensor(Z, requires_grad=True)
        with Tape() as tape:
            expected = ops.irfft2(bare, grid, (5, 6))
        tape.backward(expected, gy)
    assert_close(y.data, expected.data)
    np.testing.assert_allclose(tensor.grad[active], bare.grad[active], rtol=0, atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_a_cotangent_that_is_zero_at_some_frequencies(rng, share):
    x, gX = normal(rng, (5, 6, 3, 2)), half(rng, (6, 8), np.float64, 3, 2)
    both(lambda x: ops.rfft2(x, (6, 8)), x, gy=gX * (rng.random((6, 5, 1, 1)) < share))
    both(lambda x: ops.rfft2(x, (6, 8)), x, gy=gX * (rng.random((6, 5, 3, 2)) < share))  # in some images only


def test_zero_products_are_left_out(rng, monkeypatch):
    """Only the frequencies at which a cotangent is not zero, and those of the spectrum's own, are computed."""
    seen, analysis, synthesis = [], dft.analysis, dft.synthesis
    monkeypatch.setattr(dft, "analysis", lambda *a, active=None, **o: (seen.append(active), analysis(*a, **o))[1])
    monkeypatch.setattr(dft, "synthesis", lambda *a, active=None, **o: (seen.append(active), synthesis(*a, **o))[1])
    active = np.zeros((6, 4), bool)
    active[1, 2] = active[4, 0] = True
    gX = half(rng, (6, 7), np.float64, 2, 1) * active[:, :, None, None]
    Z = spectrum_tensor(CPU, gX, (6, 7), (5, 6), active=active)
    Z.requires_grad = True
    x = Tensor(normal(rng, (5, 6, 2, 1)), requires_grad=True)
    with Tape() as tape:
        X = ops.rfft2(x, (6, 7))
    tape.backward(X, gX)
    with Tape() as tape:
        y = ops.irfft2(Z)
    tape.backward(y, y.data)
    assert seen[0] is None and len(seen) == 4
    for each in seen[1:]:
        np.testing.assert_array_equal(each, active)


@pytest.mark.parametrize(("grid", "calls"), [((64, 64), 2), ((65, 2), 0), ((2, 65), 0)])
def test_products_up_to_64_points_a_side_and_the_fft_above(rng, monkeypatch, grid, calls):
    seen, analysis, synthesis = [], dft.analysis, dft.synthesis
    monkeypatch.setattr(dft, "analysis", lambda *a, **o: (seen.append("there"), analysis(*a, **o))[1])
    monkeypatch.setattr(dft, "synthesis", lambda *a, **o: (seen.append("back"), synthesis(*a, **o))[1])
    x = Tensor(normal(rng, (2, 2, 1, 1)), requires_grad=True)
    with Tape() as tape:
        X = ops.rfft2(x, grid)
    tape.backward(X, X.data)
    assert len(seen) == calls
    Z = spectrum_tensor(CPU, half(rng, grid, np.float64, 1, 1), grid)
    Z.requires_grad = True
    with Tape() as tape:
        y = ops.irfft2(Z)
    tape.backward(y, y.data)
    assert len(seen) == 2 * calls
    m = column_weights(grid[1])[:, None, None]
    np.testing.assert_allclose(Z.grad, m * ops.rfft2(Tensor(y.data), grid).data, rtol=0, atol=1e-10)
