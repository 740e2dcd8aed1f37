"""topk: the largest entries, as many as the rate says, and all of them where the zeros are decisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.backend import to_host
from specframe.memory.topk import TopKStore
from specframe.saving import Sparse
from tests.memory.test_reduced_mask import arrays, assert_consistent, assert_near, layouts
from tests.saving.test_formats import assert_bit_equal, on_device, with_zeros


def kept_of(array, rate):
    """The same by sorting."""
    order = np.sort(np.abs(array).reshape(-1))[::-1]
    threshold = order[max(1, round(rate * array.size)) - 1]
    return (np.abs(array) >= threshold) & (array != 0)


@given(array=arrays, layout=layouts, rate=st.sampled_from([1e-9, 0.1, 0.5, 1.0]))
def test_the_largest_come_back_exactly_and_the_others_as_zero(be, array, layout, rate):
    handle = TopKStore(rate).pack(on_device(be, array, layout))
    if array.size < 1024:
        assert handle.format == "dense"
        assert_bit_equal(handle.dense(), array)
        return
    kept = kept_of(array, rate)
    assert handle.format == "topk"
    assert_bit_equal(handle.dense(), np.where(kept, array, array.dtype.type(0)))
    assert_consistent(be, handle, kept)
    assert handle.density == np.count_nonzero(kept) / array.size
    assert np.count_nonzero(kept) == min(np.count_nonzero(array), max(1, round(rate * array.size)))


@pytest.mark.parametrize("kind", ["float16", "int8", "int2"])
@given(array=arrays, layout=layouts)
def test_the_values_may_be_reduced(be, kind, array, layout):
    handle = TopKStore(0.2, kind).pack(on_device(be, array, layout))
    if array.size >= 1024:
        kept = kept_of(array, 0.2)
        assert handle.format == f"topk {kind}"
        assert_near(handle.dense(), np.where(kept, array, array.dtype.type(0)), kind)
        assert_consistent(be, handle, kept)


@pytest.mark.parametrize("kind", ["exact", "int8"])
@given(array=arrays)
def test_decisions_are_kept(be, kind, array):
    whole = be.asarray(array)
    for handle in (
        TopKStore(0.1, kind).pack(whole, exact_zeros=True),
        TopKStore(0.1, kind).pack(whole, Sparse.of(whole)),
    ):
        assert_consistent(be, handle, array != 0)
        if kind == "exact":
            assert_bit_equal(handle.dense(), array)


def test_entries_that_tie_are_all_kept(be):
    array = np.resize(np.float32([0, 1, -1, 3]), 2000)
    for rate, kept in [(0.1, 500), (0.25, 500), (0.26, 1500), (0.9, 1500)]:
        assert np.count_nonzero(to_host(TopKStore(rate).pack(be.asarray(array)).dense())) == kept


@pytest.mark.parametrize("kind", ["exact", "int8"])
def test_what_is_not_finite_shows(be, kind):
    for bad in (np.nan, np.inf):
        for count in (1, 2000):
            array = with_zeros(0, (50, 40), 1.0, 1.0, np.complex64)
            array.reshape(-1)[:count] = bad
            back = to_host(TopKStore(0.1, kind).pack(be.asarray(array)).dense())
            assert not np.isfinite(back.reshape(-1)[:count]).any()


def test_a_nan_takes_the_place_of_no_other(be):
    array = np.arange(2000.0)
    array[5] = np.nan
    kept = to_host(TopKStore(0.01).pack(be.asarray(array)).dense())
    assert np.flatnonzero(kept).tolist() == [5, *range(1980, 2000)]


def test_what_a_gpu_takes_for_zero_is_dropped_on_every_device(be):
    """CuPy's kernels flush numbers below the smallest normal one, and a threshold there would keep -0.0."""
    array = np.zeros(2000, np.float32)
    array[:6] = 1, -0.0, 1e-40, -1e-45, np.finfo(np.float32).tiny, -2
    kept = to_host(TopKStore(0.5).pack(be.asarray(array)).dense())
    assert np.flatnonzero(kept.view(np.int32)).tolist() == [0, 4, 5]


def test_settings_may_be_text():
    store = TopKStore("0.25", "int8")
    assert (TopKStore.name, store.rate, store.values, store.lossless) == ("topk", 0.25, "int8", False)
    assert (TopKStore().rate, TopKStore().values, TopKStore(1).lossless) == (0.1, "exact", False)


@pytest.mark.parametrize("rate", [0, -0.1, 1.5, "nan", "inf", "half", "", None, [0.1]])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match=r"^store topk: the rate is a number above 0 and up to 1, got "):
        TopKStore(rate)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"^store topk: unknown kind of values 'int16': choose exact, float16, "):
        TopKStore(0.1, "int16")
