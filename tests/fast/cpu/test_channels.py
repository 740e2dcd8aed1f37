"""Sums and factors by channel, piece by piece, against plain NumPy over the last axis."""

import numpy as np
import pytest

from specframe.backend import to_host
from specframe.backend.cpu import PIECE_BYTES
from specframe.fast.cpu._channels import channel_sums, shift_and_scale

SHAPES = [(1, 1, 1, 1), (3, 4, 2, 5), (64, 8, 16, 9)]  # the last in several pieces on a CPU


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_of_what_is_made_of_maps(be, rng, shape):
    x, y = rng.standard_normal(shape), rng.standard_normal(shape)
    one, two = channel_sums(be, lambda x, y: (x, x * y), be.asarray(x), be.asarray(y))
    np.testing.assert_allclose(to_host(one), x.sum(axis=(0, 1, 2)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(to_host(two), (x * y).sum(axis=(0, 1, 2)), rtol=1e-12, atol=1e-12)


def test_what_is_made_of_maps_may_be_made_in_one_place(be, rng):
    x = rng.standard_normal((3, 4, 2, 5))

    def of(x):
        y = x + 1
        yield y
        y *= y
        yield y

    one, two = channel_sums(be, of, be.asarray(x))
    np.testing.assert_allclose(to_host(one), (x + 1).sum(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(to_host(two), ((x + 1) ** 2).sum(axis=(0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize("shape", [(64, 8, 2, 3), (64, 64, 8, 3), (512, 16, 1, 3)])
def test_sums_of_single_precision_maps_are_good_to_single_precision(be, rng, shape):
    x = rng.random(shape, np.float32)
    (sums,) = channel_sums(be, lambda x: (x,), be.asarray(x))
    assert sums.dtype == np.float64
    np.testing.assert_allclose(to_host(sums), x.astype(np.float64).sum(axis=(0, 1, 2)), rtol=5e-8)


@pytest.mark.parametrize("place", ["new", "own"])
@pytest.mark.parametrize("shape", SHAPES)
def test_shift_and_scale_in_a_new_map_or_in_its_own_place(be, rng, shape, place):
    x = rng.standard_normal(shape)
    less, times, plus = rng.standard_normal((3, shape[3]))
    given = be.asarray(x.copy())
    result = shift_and_scale(
        be, given, be.asarray(less), be.asarray(times), be.asarray(plus), out=given if place == "own" else None
    )
    np.testing.assert_allclose(to_host(result), (x - less) * times + plus, rtol=1e-12, atol=1e-12)
    assert (result is given) == (place == "own")
    if place == "new":
        np.testing.assert_array_equal(to_host(given), x)


@pytest.mark.parametrize("shape", [(0, 3), (1, 5), (7, 100_000), (1000, 10)])
def test_pieces_cover_the_first_axis_and_fit_the_cache_on_a_cpu(be, shape):
    array = be.xp.zeros(shape, np.float32)
    pieces = be.pieces(array)
    assert [i for piece in pieces for i in range(piece.start, piece.stop)] == list(range(shape[0]))
    if be.reading_waits:
        assert len(pieces) == 1
    else:
        assert all(piece.stop - piece.start == 1 or array[piece].nbytes <= PIECE_BYTES for piece in pieces)
        assert len(be.pieces(array, itemsize=400)) >= len(pieces)
