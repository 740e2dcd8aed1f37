"""dense, csr, mask, auto: what comes back is bit-equal, and the bytes are those of the buffers really held."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import saving
from specframe.backend import to_host
from specframe.memory.values import Encoded
from specframe.saving import Sparse, csr, get_store
from specframe.saving.sparse import matrix_shape

FORMATS = ["dense", "csr", "mask", "auto"]
DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
LAYOUTS = ["contiguous", "every other", "transposed"]


def normal(rng, shape, dtype):
    x = rng.standard_normal(shape)
    return np.asarray(x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x, dtype)


def with_zeros(seed, shape, density, row_density, dtype):
    """Normal entries, of which a share `density` in a share `row_density` of the rows is kept; no -0.0."""
    rng = np.random.default_rng(seed)
    rows = rng.random(shape[: 2 if len(shape) == 4 else 1]) < row_density
    kept = (rng.random(shape) < density) & rows.reshape(rows.shape + (1,) * (len(shape) - rows.ndim))
    x = normal(rng, shape, dtype)
    return np.where(kept, x, x.dtype.type(0))


def on_device(be, array, layout):
    """The array on a device, there as it is or as a view of a larger or a rearranged one."""
    if layout == "every other" and array.ndim:
        larger = be.asarray(np.full((2 * array.shape[0], *array.shape[1:]), 7, array.dtype))
        larger[::2] = be.asarray(array)
        return larger[::2]
    if layout == "transposed":
        return be.asarray(array.T.copy()).T
    return be.asarray(array)


arrays = st.builds(
    with_zeros,
    seed=st.integers(0, 99),
    shape=st.lists(st.integers(0, 5), min_size=0, max_size=4).map(tuple),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    row_density=st.sampled_from([0.3, 1.0]),
    dtype=st.sampled_from(DTYPES),
)


def pack(name, array, sparse=None):
    store = get_store(name)
    handle = store.pack(array, sparse)
    store.flush()
    return handle


def matrix_of(array):
    """The array as (frequencies, batch * channels), or (first axis, rest) where it has not four axes."""
    lead = 2 if array.ndim == 4 else 1
    return array.reshape(math.prod(array.shape[:lead]), math.prod(array.shape[lead:]))


def support_of(entries):
    """Booleans of the array's shape: where a Sparse has an entry."""
    full = np.zeros(matrix_shape(entries.shape), bool)
    full[slice(None) if entries.rows is None else to_host(entries.rows)] = to_host(entries.support)
    return full.reshape(entries.shape)


def assert_bit_equal(got, expected):
    got = to_host(got)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    assert got.tobytes() == expected.tobytes()


def buffers(thing, array_type):
    """Arrays that a handle holds, by identity; a view counts as what it is a view of."""
    if isinstance(thing, array_type):
        owner = thing if getattr(thing, "base", None) is None else thing.base
        return {id(owner): owner}
    found = {}
    if isinstance(thing, saving.Handle | Sparse | Encoded) or type(thing).__name__ == "csr_array":
        names = getattr(thing, "__slots__", ()) or vars(thing)
        for name in names:
            found |= buffers(getattr(thing, name), array_type)
    elif isinstance(thing, list | tuple):
        for item in thing:
            found |= buffers(item, array_type)
    return found


# ---- round trip ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@given(array=arrays, layout=st.sampled_from(LAYOUTS))
def test_what_was_packed_comes_back_bit_equal(be, name, array, layout):
    given_array = on_device(be, array, layout)
    handle = pack(name, given_array)
    assert (handle.shape, handle.dtype) == (array.shape, array.dtype)
    assert_bit_equal(handle.dense(), array)
    assert_bit_equal(handle.dense(), array)  # a handle answers as often as it is asked
    assert_bit_equal(given_array, array)  # and packing does not touch the original


@pytest.mark.parametrize("name", FORMATS)
@given(array=arrays, layout=st.sampled_from(LAYOUTS))
def test_entries_agree_with_the_array(be, name, array, layout):
    handle = pack(name, on_device(be, array, layout))
    entries, matrix = handle.sparse(), matrix_of(array)
    assert entries.support.dtype == bool
    assert entries.shape == array.shape and entries.dtype == array.dtype
    assert_bit_equal(entries.values, matrix[matrix != 0])
    assert_bit_equal(entries.dense(), array)
    np.testing.assert_array_equal(support_of(entries), array != 0)
    listed = matrix if entries.rows is None else matrix[to_host(entries.rows)]
    np.testing.assert_array_equal(to_host(entries.support), listed != 0)
    assert entries.nnz == np.count_nonzero(array)
    assert entries.density == pytest.approx(np.count_nonzero(array) / max(1, array.size))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_array_of_a_single_entry_survives(be, name, dtype):
    array = np.zeros((6, 4, 3, 2), dtype)
    array[5, 3, 2, 1] = 0.1
    handle = pack(name, be.asarray(array))
    assert_bit_equal(handle.dense(), array)
    assert handle.sparse().nnz == 1 and support_of(handle.sparse())[5, 3, 2, 1]


@pytest.mark.parametrize("name", FORMATS)
def test_infinity_and_nan_are_entries_like_others(be, name):
    array = np.array([[0, np.nan, np.inf], [0, -np.inf, 1e-45]], np.float32)
    handle = pack(name, be.asarray(array))
    assert_bit_equal(handle.dense(), array)
    assert handle.sparse().nnz == 4


def odd_bits(dtype, repeat):
    """Zeros of both signs, the smallest numbers, infinities, and NaN with a payload of both signs."""
    real = np.dtype(np.dtype(dtype).char.lower())
    ends = np.finfo(real)
    numbers = np.array([0, -0.0, ends.smallest_subnormal, -ends.smallest_subnormal, ends.max, np.inf, -np.inf, 1], real)
    nan = np.array([np.nan, -np.nan], real).view(f"u{real.itemsize}") + 5
    reals = np.concatenate([numbers, nan.view(real), np.zeros(30, real)])
    if np.dtype(dtype).kind == "c":  # every pair of parts
        pairs = np.empty((len(reals), len(reals)), dtype)
        pairs.real, pairs.imag = reals[:, None], reals
        reals = pairs
    return np.tile(reals.reshape(-1, 8), (repeat, 1))


@pytest.mark.parametrize("name", [*FORMATS, "offload", "offload:csr", "offload:mask"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_bit_survives_that_of_a_negative_zero_too(be, name, dtype):
    array = odd_bits(dtype, 100)
    handle = pack(name, be.asarray(array))
    assert_bit_equal(handle.dense(), array)
    assert_bit_equal(handle.sparse().dense(), array)
    zero = np.frombuffer(array.tobytes(), np.uint8).reshape(*array.shape, -1).max(axis=-1) == 0
    np.testing.assert_array_equal(support_of(handle.sparse()), ~zero)
    assert handle.density in (None, np.count_nonzero(~zero) / array.size)


@pytest.mark.parametrize("name", [*FORMATS, "offload"])
@pytest.mark.parametrize("dtype", "? b H i q Q e f d F D".split())
@pytest.mark.parametrize("shape", [(50, 60), (3,), (), (0,), (0, 3), (3, 0, 2, 4)])
def test_arrays_of_every_dtype_and_none_or_one_entry_come_back(be, name, dtype, shape):
    array = np.asarray(np.arange(np.prod(shape)) % 7 == 0, dtype).reshape(shape)
    handle = pack(name, be.asarray(array))
    assert_bit_equal(handle.dense(), array)
    assert_bit_equal(handle.sparse().dense(), array)
    assert handle.density in (None, np.count_nonzero(array) / max(1, array.size))


@pytest.mark.parametrize("name", [*FORMATS, "offload"])
@pytest.mark.parametrize("dtype", [">f4", ">c16", ">i4", "g", "G"])
def test_other_byte_orders_and_long_doubles_come_back(name, dtype):
    array = np.zeros((40, 50), dtype)
    array[::3] = 1 - np.arange(50) % 3
    array[1] = -0.0
    back = pack(name, array).dense()
    assert back.dtype == array.dtype and back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    np.testing.assert_array_equal(np.signbit(back.real), np.signbit(array.real))


def test_csr_leaves_what_its_libraries_do_not_hold_to_mask(be, monkeypatch):
    def formats(array):
        return [pack(name, be.asarray(array)).format for name in ("csr", "auto")]

    sparse = np.zeros((4, 4096))
    sparse[1, 1] = 1
    assert formats(sparse) == ["csr", "csr"]
    assert formats(sparse.astype(int)) == formats(sparse.astype(np.float16)) == formats(sparse != 0) == ["mask", "mask"]
    monkeypatch.setattr(csr, "LARGEST", sparse.size)  # in place of 2^31 - 1, which takes 16 GiB to pass
    assert formats(sparse) == ["csr", "csr"]
    monkeypatch.setattr(csr, "LARGEST", sparse.size - 1)
    assert formats(sparse) == ["mask", "mask"]


def test_csr_is_the_librarys_array_with_32_bit_indices(be):
    array = with_zeros(1, (6, 4, 5, 2), 0.4, 0.5, np.complex64)
    matrix = pack("csr", be.asarray(array)).matrix
    assert isinstance(matrix, be.sparse.csr_array) and matrix.shape == (24, 10)
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert_bit_equal(matrix.toarray(), array.reshape(24, 10))


@pytest.mark.parametrize("name", ["csr", "mask"])
def test_a_packed_array_is_a_copy(be, name):
    array = be.asarray(np.array([[0.0, 1.0]]))
    handle = pack(name, array)
    array[:] = 5.0
    assert to_host(handle.dense()).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("name", FORMATS)
def test_entries_that_are_gathered_already_give_the_same_handle(be, name, rng):
    array = be.asarray(with_zeros(1, (6, 4, 5, 2), 0.4, 0.5, np.complex64))
    entries = Sparse.of(array)
    from_array, from_entries = pack(name, array), pack(name, array, entries)
    assert_bit_equal(from_entries.dense(), to_host(array))
    assert from_entries.format == from_array.format and from_entries.bytes == from_array.bytes
    bare = Sparse(entries.shape, entries.rows, entries.support, entries.values, array)
    assert_bit_equal(pack(name, array, bare).dense(), to_host(array))


# ---- bytes -----------------------------------------------------------------------------------------------------


def expected_bytes(name, array, empty_rows_are_dropped):
    """The formulas in the formats' docstrings."""
    matrix = matrix_of(array)
    (rows, columns), nnz, item = matrix.shape, np.count_nonzero(array), array.itemsize
    if name == "dense":
        return (item * array.size, 0, 0, 0, 0)
    if name == "csr":
        return (item * nnz, 4 * nnz, 4 * (rows + 1), 0, 0)
    filled = np.count_nonzero((matrix != 0).any(axis=1)) if empty_rows_are_dropped else rows
    return (item * nnz, 0, 0, -(-filled * columns // 8) + (-(-rows // 8) if filled < rows else 0), 0)


@pytest.mark.parametrize("name", ["dense", "csr", "mask"])
@given(array=arrays, layout=st.sampled_from(LAYOUTS))
def test_bytes_follow_the_formula_and_are_those_of_the_buffers(be, name, array, layout):
    handle = pack(name, on_device(be, array, layout))
    assert handle.format == name
    assert tuple(handle.bytes) == expected_bytes(name, array, empty_rows_are_dropped=not be.reading_waits)
    assert handle.nbytes == sum(handle.bytes)
    assert handle.nbytes == sum(array.nbytes for array in buffers(handle, be.array_type).values())


@given(array=arrays, layout=st.sampled_from(LAYOUTS))
def test_bytes_of_auto_are_those_of_its_buffers(be, array, layout):
    handle = pack("auto", on_device(be, array, layout))
    assert handle.format in ("dense", "csr", "mask")
    assert handle.nbytes == sum(array.nbytes for array in buffers(handle, be.array_type).values())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("density", [0.01, 0.2, 1.0])
def test_memory_grows_by_the_bytes_that_are_stated(name, density):
    array = with_zeros(2, (40, 20, 16, 8), density, 1.0, np.complex64)
    pack(name, array)  # imports and caches
    whole = array.copy() if name == "dense" or density == 1 else array  # a dense handle keeps the array it was given
    tracemalloc.start()
    handle = pack(name, whole)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    stated = 0 if handle.format == "dense" else handle.nbytes
    assert abs(grown - stated) < 4096


@pytest.mark.parametrize("name", ["csr", "mask", "auto"])
def test_density_is_that_of_the_entries(be, name):
    handle = pack(name, be.asarray(np.eye(8)))
    assert handle.density == 1 / 8


def test_dense_knows_its_density_where_counting_costs_no_waiting(be):
    array = be.asarray(np.eye(8))
    assert pack("dense", array).density == (None if be.reading_waits else 1 / 8)
    assert pack("dense", array, Sparse.of(array)).density == 1 / 8


# ---- dense keeps no more than the array ------------------------------------------------------------------------


def test_dense_keeps_the_array_it_was_given(be):
    array = be.asarray(np.ones((4, 6)))
    assert pack("dense", array).dense() is array
    reshaped = array.reshape(6, 4)  # a view, but of nothing more than itself
    assert pack("dense", reshaped).dense() is reshaped


def test_dense_copies_a_view_that_would_keep_a_larger_array_alive(be):
    larger = be.asarray(np.arange(24.0).reshape(4, 6))
    for view in (larger[:2], larger[:, ::2], larger[1]):
        kept = pack("dense", view).dense()
        assert kept is not view and kept.base is None and kept.nbytes == view.nbytes
        assert_bit_equal(kept, to_host(view))


# ---- names -----------------------------------------------------------------------------------------------------


def test_a_store_is_found_by_its_name_or_is_given_itself():
    for name in FORMATS:
        assert get_store(name).name == name and get_store(name).lossless
    own = saving.MaskStore()
    assert get_store(own) is own


def test_an_unknown_store_is_refused_and_the_known_ones_listed():
    with pytest.raises(ValueError, match=r"^unknown store 'coo': choose dense, csr, mask, auto, "):
        get_store("coo")
