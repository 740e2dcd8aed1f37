"""Bits: decisions are always exact, in as few bits as there are choices."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.backend import to_host
from specframe.saving import Bits

shapes = st.lists(st.integers(0, 7), min_size=0, max_size=4).map(tuple)


@given(seed=st.integers(0, 99), shape=shapes, share=st.sampled_from([0.0, 0.3, 1.0]))
def test_booleans_come_back_exactly(be, seed, shape, share):
    decisions = np.asarray(np.random.default_rng(seed).random(shape) < share)
    handle = Bits(be, be.asarray(decisions))
    assert handle.format == "bits" and handle.shape == shape and handle.dtype == bool
    back = to_host(handle.dense())
    assert back.dtype == bool
    np.testing.assert_array_equal(back, decisions)


@pytest.mark.parametrize("levels", range(2, 17))
@given(seed=st.integers(0, 99), shape=shapes)
def test_choices_come_back_exactly(be, levels, seed, shape):
    decisions = np.asarray(np.random.default_rng(seed).integers(0, levels, shape), np.uint8)
    back = to_host(Bits(be, be.asarray(decisions), levels).dense())
    assert back.dtype == (bool if levels == 2 else np.uint8)
    np.testing.assert_array_equal(back, decisions)


@pytest.mark.parametrize("levels", range(2, 17))
def test_bytes_are_one_bit_for_each_binary_digit(be, levels):
    for count in (0, 1, 8, 9, 1000):
        handle = Bits(be, be.asarray(np.full(count, levels - 1, np.uint8)), levels)
        assert handle.nbytes == handle.bytes.masks == math.ceil(math.log2(levels)) * math.ceil(count / 8)
        assert handle.nbytes == handle._planes.nbytes


def test_a_view_is_packed_as_it_reads(be):
    winners = be.asarray(np.arange(24, dtype=np.uint8).reshape(4, 6) % 9)
    for view in (winners[::2], winners.T, winners[:, 1:5:3]):
        np.testing.assert_array_equal(to_host(Bits(be, view, levels=9).dense()), to_host(view))


def test_bits_do_not_keep_the_decisions_alive(be):
    decisions = be.asarray(np.array([True, False, True]))
    handle = Bits(be, decisions)
    decisions[:] = False
    assert to_host(handle.dense()).tolist() == [True, False, True]
