"""mask with reduced values: the bits stay exact, the values are near, and the smaller of two forms is taken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.backend import to_host
from specframe.memory import reduced_mask
from specframe.memory.reduced_mask import ReducedMaskStore
from specframe.memory.values import KINDS, sizes
from specframe.saving import MaskStore, Sparse
from tests.saving.test_formats import buffers, on_device, support_of, with_zeros

REDUCED = [kind for kind in KINDS if kind != "exact"]
SHAPES = [(), (0,), (1,), (1023,), (1024,), (40, 30), (3, 0, 5), (12, 10, 11), (6, 5, 9, 8), (20, 10, 4, 2)]
DTYPES = [np.float32, np.float64, np.complex64, np.complex128]

arrays = st.builds(
    with_zeros,
    seed=st.integers(0, 99),
    shape=st.sampled_from(SHAPES),
    density=st.sampled_from([0.0, 0.002, 0.3, 0.88, 1.0]),  # at 0.88 bits and codes of all are nearly as large
    row_density=st.sampled_from([0.3, 1.0]),
    dtype=st.sampled_from(DTYPES),
)
layouts = st.sampled_from(["contiguous", "every other", "transposed"])
STEP = {"float16": 2.0**-11, "int8": 1 / 127, "int4": 1 / 7, "int2": 1.0}


def assert_near(got, expected, kind):
    """Within a step of the largest, for each of two parts."""
    got = to_host(got)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    if expected.size:
        assert np.abs(got - expected).max() <= 1.5 * STEP[kind] * np.abs(expected).max()


def assert_consistent(be, handle, support):
    """All that a handle answers agrees with `support`."""
    entries = handle.sparse()
    np.testing.assert_array_equal(support_of(entries), support)
    assert to_host(entries.dense()).tobytes() == to_host(handle.dense()).tobytes()
    assert handle.nbytes == sum(handle.bytes) == sum(one.nbytes for one in buffers(handle, be.array_type).values())


@pytest.mark.parametrize("kind", REDUCED)
@pytest.mark.parametrize("given_as", ["exact zeros", "entries"])
@given(array=arrays, layout=layouts)
def test_the_support_is_exact_where_it_is_asked_for(be, kind, given_as, array, layout):
    whole = on_device(be, array, layout)
    sparse = Sparse.of(whole) if given_as == "entries" else None
    handle = ReducedMaskStore(kind).pack(whole, sparse, exact_zeros=sparse is None)
    assert handle.format == (f"mask {kind}" if array.size >= 1024 else "dense")
    assert_near(handle.dense(), array, kind)
    assert_consistent(be, handle, array != 0)


@pytest.mark.parametrize("kind", REDUCED)
@given(array=arrays, layout=layouts)
def test_otherwise_the_smaller_of_bits_and_codes_of_all(be, kind, array, layout):
    handle = ReducedMaskStore(kind).pack(on_device(be, array, layout))
    assert_near(handle.dense(), array, kind)
    assert_consistent(be, handle, support_of(handle.sparse()))
    if array.size < 1024:
        assert handle.format == "dense" and to_host(handle.dense()).tobytes() == array.tobytes()
        return
    masked = ReducedMaskStore(kind).pack(be.asarray(array), exact_zeros=True).nbytes
    whole = sum(sizes(kind, array.size, array.dtype))
    assert handle.nbytes == min(whole, masked)
    assert handle.format == f"{'mask' if masked < whole else 'quant'} {kind}"
    assert handle.density == np.count_nonzero(array) / array.size


@pytest.mark.parametrize(("zeros", "gathers"), [(112, False), (640, True)])
def test_entries_are_gathered_only_where_that_may_save_bytes(monkeypatch, zeros, gathers):
    """A bit an entry outweighs the codes that 112 zeros save (in 2560 float32 half a group), not those of 640."""
    asked, array = [], np.ones((40, 64), np.float32)
    array.reshape(-1)[:zeros] = 0
    monkeypatch.setattr(reduced_mask.Sparse, "of", lambda *parts, of=Sparse.of: asked.append(1) or of(*parts))
    ReducedMaskStore("int8").pack(array)
    assert bool(asked) == gathers


def test_bytes_are_those_of_values_bits_and_scales():
    array = with_zeros(0, (16, 10, 8, 4), 0.25, 1.0, np.complex64)
    reals = 2 * np.count_nonzero(array)
    groups = -(-reals // 256)
    assert tuple(ReducedMaskStore("int8").pack(array).bytes) == (256 * groups, 0, 0, array.size // 8, 4 * groups)
    assert tuple(ReducedMaskStore("float16").pack(array).bytes) == (2 * reals, 0, 0, array.size // 8, 4)


def test_each_array_is_rounded_by_its_own_draws_and_a_forward_can_be_repeated(be):
    array = be.asarray(with_zeros(0, (40, 40), 0.5, 1.0, np.float32))

    def two(key):
        if key is not None:
            store.begin(key)
        return [to_host(store.pack(array, exact_zeros=True).dense()).tobytes() for _ in range(2)]

    store = ReducedMaskStore("int4")
    unset, zero, one, again = two(None), two((0,)), two((1, 5)), two((1, 5))
    assert unset == zero and one == again and zero != one and one[0] != one[1]


def test_only_exact_is_lossless_and_unchanged(be):
    assert MaskStore.name == "mask" and MaskStore().lossless and not ReducedMaskStore("int8").lossless
    tiny = be.asarray(np.array([[0.0, 1.0]]))
    assert MaskStore().pack(tiny).format == "mask" and ReducedMaskStore("int8").pack(tiny).format == "dense"


def test_what_is_not_finite_shows(be):
    array = with_zeros(0, (40, 40), 0.3, 1.0, np.float32)
    array[7, 7] = np.nan
    for kind in REDUCED:
        assert np.isnan(to_host(ReducedMaskStore(kind).pack(be.asarray(array)).dense())[7, 7])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"^store mask: unknown kind of values 'int5': choose exact, float16, "):
        ReducedMaskStore("int5")
