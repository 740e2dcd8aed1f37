"""The fast spectral_act equals that of ops/, in pieces and whole, and says which frequencies hold anything."""

import numpy as np
import pytest

from specframe import Tape, ops
from specframe.backend import cpu
from specframe.bodies import body
from specframe.fast.cpu import spectral_act
from specframe.ops.spectral_act import SpectralAct
from specframe.ops.split_activation import ACTIVATIONS
from tests.fast.cpu.common import CPU, both
from tests.ops.common import clear_beta, normal, on_grid, spectrum_tensor

STORES = ["dense", "csr", "mask", "auto"]
BETAS = [0.0, 0.3, 1.5, 1e9]


def spectrum(rng, grid=(6, 7), batch=2, channels=3, dtype=np.complex128):
    """Some frequencies are small for the whole batch, as after a few layers."""
    Y = normal(rng, (grid[0], grid[1] // 2 + 1, batch, channels), np.complex128)
    return (Y * rng.uniform(0, 2, (*Y.shape[:2], 1, 1))).astype(dtype)


def clear(Y, beta):
    """A beta near this one from which every entry is well away, so that no rounding lifts one over it."""
    return beta if beta in (0.0, 1e9) or Y.size == 0 else clear_beta(Y, beta, reach=0.5)


def test_it_is_the_body_on_the_cpu():
    assert body(SpectralAct, CPU) is spectral_act.FastSpectralAct


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize(("grid", "batch"), [((6, 7), 2), ((5, 6), 1), ((1, 1), 3), ((4, 4), 0)])
def test_it_equals_the_plain_one(rng, grid, batch, beta, store, dtype):
    Y = spectrum(rng, grid, batch, dtype=dtype)
    beta, gZ = clear(Y, beta), normal(rng, Y.shape, dtype)
    both(on_grid(lambda Y: ops.spectral_act(Y, beta, scale=2.0), grid), Y, gy=gZ, store=store)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("scale", [1.0, 0.7])
@pytest.mark.parametrize("norm", ["ortho", "backward"])
def test_every_activation(rng, activation, scale, norm):
    Y = spectrum(rng)
    fn = on_grid(lambda Y: ops.spectral_act(Y, 1.0, activation, scale), (6, 7), norm)
    both(fn, Y, gy=normal(rng, Y.shape, np.complex128))


@pytest.mark.parametrize("beta", [0.0, 1.5, 1e9])
@pytest.mark.parametrize("piece_bytes", [1, 200, 1 << 18])
def test_the_size_of_the_pieces_does_not_matter(rng, monkeypatch, beta, piece_bytes):
    monkeypatch.setattr(cpu, "PIECE_BYTES", piece_bytes)
    Y = spectrum(rng)
    both(on_grid(lambda Y: ops.spectral_act(Y, beta), (6, 7)), Y, gy=normal(rng, Y.shape, np.complex128), store="mask")


def test_of_arrays_that_are_not_contiguous(rng):
    Y, gZ = (normal(rng, (3, 2, 4, 6), np.complex128).T for _ in range(2))
    both(on_grid(lambda Y: ops.spectral_act(Y, 1.0), (6, 7)), Y, gy=gZ, store="mask")


@pytest.mark.parametrize("beta", [0.5, 1e9])
def test_nan_stays_visible_in_both(rng, beta):
    Y = spectrum(rng)
    Y[2, 1, 0, 0], Y[0, 0, 1, 2] = complex(0, np.nan), complex(np.nan, 0)
    gZ = normal(rng, Y.shape, np.complex128)
    fast, plain = both(on_grid(lambda Y: ops.spectral_act(Y, beta), (6, 7)), Y, gy=gZ)
    for Z, (gY,) in (fast, plain):
        for array in (Z, gY):
            assert sorted(zip(*np.nonzero(np.isnan(array)), strict=True)) == [(0, 0, 1, 2), (2, 1, 0, 0)]


@pytest.mark.parametrize("beta", [0.0, 2.0, 1e9])
def test_it_says_which_frequencies_hold_anything(rng, beta):
    Y = spectrum(rng)
    Y[3] = 0
    Z = ops.spectral_act(spectrum_tensor(CPU, Y, (6, 7), (5, 5), "backward", np.ones((6, 4), bool)), beta)
    assert (Z.spectrum.grid, Z.spectrum.size, Z.spectrum.norm) == ((6, 7), (5, 5), "backward")
    np.testing.assert_array_equal(Z.spectrum.active, (Z.data != 0).any(axis=(2, 3)))


def test_what_is_saved_comes_gathered_and_holds_the_entries_that_passed(rng):
    Y = spectrum_tensor(CPU, spectrum(rng), (6, 7))
    Y.requires_grad = True
    with Tape("mask") as tape:
        Z = ops.spectral_act(Y, 2.0)
    kept = np.count_nonzero(Z.data)
    rows = (Z.data != 0).any(axis=(2, 3)).sum()
    (row,) = tape.ledger.rows
    assert row.values == 16 * kept and row.masks == -(-rows * 6 // 8) + 3  # 24 frequencies, a bit each
