"""dct: the largest coefficients come back, the error is what was dropped, the bytes are those of the buffers."""

import math

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from specframe import backend
from specframe.backend import to_host
from specframe.memory.bitmap import Bitmap
from specframe.memory.dct import DCTStore, Keep, both_sides, matrix
from specframe.memory.values import sizes
from specframe.saving import Sparse, get_store
from tests.kit.strict import STRICT, count_waits
from tests.saving.test_formats import assert_bit_equal, support_of

SHAPE = (8, 8, 16, 4)


def coefficients(x):
    """Of maps (rows, cols, batch, channels), by SciPy."""
    return scipy.fft.dctn(x, axes=(0, 1), norm="ortho")


def maps(shape=SHAPE, dtype=np.float32, seed=0):
    """Random maps whose coefficients fall with the frequency, as those of images do."""
    rows, cols = shape[:2]
    falling = 1 / (1 + np.arange(rows)[:, None] + np.arange(cols))
    y = np.random.default_rng(seed).standard_normal(shape) * falling[..., None, None]
    return scipy.fft.idctn(y, axes=(0, 1), norm="ortho").astype(dtype)


def energy(array):
    return float(np.sum(to_host(array).astype(np.float64) ** 2))


def pack(array, *settings, key=(0,), **how):
    store = DCTStore(*settings)
    store.begin(key)
    return store.pack(array, **how)


# ---- the transform ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [*range(1, 10), 16, 19, 32, 35])
def test_the_matrix_is_scipys_transform_and_orthonormal(be, n):
    rows = to_host(matrix(be, n, np.dtype(np.float64)))
    np.testing.assert_allclose(rows @ rows.T, np.eye(n), atol=1e-14)
    x = np.random.default_rng(n).standard_normal(n)
    np.testing.assert_allclose(rows @ x, scipy.fft.dct(x, norm="ortho"), atol=1e-13)


def test_each_side_has_its_own_matrix(be, rng):
    x, left, right = rng.standard_normal((3, 4, 2, 5)), rng.standard_normal((3, 3)), rng.standard_normal((4, 4))
    got = to_host(both_sides(be.asarray(left), be.asarray(x), be.asarray(right)))
    np.testing.assert_allclose(got, np.einsum("ia,abnc,jb->ijnc", left, x, right), atol=1e-12)


# ---- what comes back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [SHAPE, (7, 5, 16, 4), (2, 2, 64, 5), (2, 600, 1, 1), (35, 19, 2, 2)])
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 1e-13)])
def test_all_coefficients_give_the_map_back(be, shape, dtype, tolerance):
    x = maps(shape, dtype)
    handle = pack(be.asarray(x), 1, "exact")
    assert (handle.shape, handle.dtype, handle.density, handle.format) == (shape, dtype, 1, "dct exact")
    for _ in range(2):  # a handle answers as often as it is asked
        back = handle.dense()
        assert back.dtype == dtype
        np.testing.assert_allclose(to_host(back), x, atol=tolerance)


@given(seed=st.integers(0, 99), rate=st.floats(0.001, 1), size=st.tuples(st.integers(2, 9), st.integers(2, 9)))
def test_the_error_is_that_of_the_smallest_coefficients(be, seed, rate, size):
    x = maps((*size, 32, 8), np.float64, seed)
    handle = pack(be.asarray(x), rate, "exact")
    kept = max(1, round(rate * x.size))
    dropped = np.sort(np.abs(coefficients(x)).ravel())[::-1][kept:]
    assert handle.density == kept / x.size
    assert energy(x - to_host(handle.dense())) == pytest.approx(energy(dropped), rel=1e-9, abs=1e-12 * energy(x))


def test_at_least_one_coefficient_stays(be):
    assert pack(be.asarray(maps()), 1e-9, "exact").density == 1 / maps().size


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])  # at the ends, squares have no number
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1.0])
def test_energy_keeps_the_fewest_coefficients_with_that_share(be, share, scale):
    x = maps(dtype=np.float64)
    handle = pack(be.asarray(x * scale), f"energy={share}", "exact")
    descending = np.sort(np.abs(coefficients(x)).ravel())[::-1] ** 2
    kept = round(handle.density * x.size)
    assert descending[:kept].sum() >= (share - 1e-12) * energy(x)
    assert share == 1 or descending[: kept - 1].sum() < share * energy(x)


@pytest.mark.parametrize("beta", [0.0, 0.1, 1.0, 1e9])
def test_beta_keeps_the_coefficients_from_that_magnitude_on(be, beta):
    x = maps(dtype=np.float64)
    y = np.abs(coefficients(x))
    handle, kept = pack(be.asarray(x), f"beta={beta}", "exact"), (y >= beta) & (y > 0)
    assert handle.density == np.count_nonzero(kept) / x.size
    assert energy(x - to_host(handle.dense())) == pytest.approx(energy(y[~kept]), rel=1e-9, abs=1e-18)


def test_a_coefficient_at_the_threshold_stays(be):
    x = be.asarray(np.full((2, 2, 512, 1), 0.5))  # one coefficient a map, 1 to the last place, and nothing else
    assert pack(x, "beta=1", "exact").density == pack(x, 0.25, "exact").density == 0.25


@pytest.mark.parametrize("values, error", [("float16", 1e-3), ("int8", 0.02), ("int4", 0.3)])
def test_reduced_values_add_their_own_error(be, values, error):
    x = maps()
    back = to_host(pack(be.asarray(x), 1, values).dense())
    assert 0 < math.sqrt(energy(x - back) / energy(x)) < error


@pytest.mark.parametrize("keep", [0.3, "energy=0.9", "beta=0.5", 1])
def test_a_map_of_zeros_comes_back(be, keep):
    handle = pack(be.asarray(np.zeros(SHAPE, np.float32)), keep)
    assert handle.density == 0 and handle.bytes.values == 0
    np.testing.assert_array_equal(to_host(handle.dense()), 0)


def test_views_are_packed_as_they_read_and_left_alone(be):
    x = be.asarray(maps((16, 8, 16, 4)))
    before = to_host(x).copy()
    for view in (x[::2], x.transpose((1, 0, 3, 2)), x[:, :, 1:]):
        expected = pack(be.asarray(np.ascontiguousarray(to_host(view))), 0.2, "int8").dense()
        np.testing.assert_allclose(to_host(pack(view, 0.2, "int8").dense()), to_host(expected), atol=1e-5)
    np.testing.assert_array_equal(to_host(x), before)


# ---- the ends of the range -------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", ["exact", "float16", "int8", "int2"])
@pytest.mark.parametrize("keep", [0.1, 1.0, "energy=0.9", "beta=0.5"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [1, 0.3, 1e-3, 1e-7, 1e-30])
def test_maps_at_the_edge_of_the_range_come_back_finite_and_near(be, values, keep, dtype, share):
    """Of any magnitude up to the largest: a transform that overflows would give infinities, and NaN on the way back."""
    x = np.sign(maps((8, 8, 16, 8), np.float64))
    largest = np.finfo(dtype).max * share
    back = to_host(pack(be.asarray((x * largest).astype(dtype)), keep, values).dense())
    assert np.isfinite(back).all()
    tolerance = {"exact": 0, "float16": 1e-3, "int8": 0.01, "int2": 1.3}[values] + (0.75 if keep != 1.0 else 1e-5)
    assert np.sqrt(np.mean((back / largest - x) ** 2)) <= tolerance


def test_the_smallest_maps_come_back_to_the_last_bits(be):
    for dtype in (np.float32, np.float64):
        x = maps(dtype=np.float64) * np.finfo(dtype).tiny
        back = to_host(pack(be.asarray(x.astype(dtype)), 1, "exact").dense())
        assert np.abs(back.astype(np.float64) - x).max() <= 32 * np.finfo(dtype).smallest_subnormal


@pytest.mark.parametrize("values", ["exact", "float16", "int8"])
@pytest.mark.parametrize("keep", [0.1, "energy=0.9", "beta=0.5"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_shows_in_its_place(be, values, keep, bad):
    x = maps()
    x[3, 4, 5, 2] = bad
    handle = pack(be.asarray(x), keep, values)
    assert handle.format == ("dense" if values == "exact" else f"quant {values}")
    assert not np.isfinite(to_host(handle.dense())[3, 4, 5, 2])


# ---- bytes -----------------------------------------------------------------------------------------------------


def bitmap_bytes(decisions):
    """The formula of the module, level by level."""
    bits = np.packbits(decisions.ravel())
    which = np.packbits(bits != 0)
    return np.count_nonzero(bits) + np.count_nonzero(which) + len(np.packbits(which != 0))


@pytest.mark.parametrize("values", ["exact", "float16", "int8", "int4", "int2"])
@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0])
def test_bytes_follow_the_formula_and_are_those_of_the_buffers(be, values, rate):
    handle, x = pack(be.asarray(maps()), rate, values), maps()
    assert handle.format == f"dct {values}"
    y = np.abs(to_host(handle.forward(be.asarray(x))))
    kept = y >= np.sort(y.ravel())[::-1][round(rate * x.size) - 1]
    codes, scales = sizes(values, np.count_nonzero(kept), np.float32)
    assert tuple(handle.bytes) == (codes, 0, 0, bitmap_bytes(kept), scales)
    held = [a for part in (handle._kept, handle._values) for a in arrays_in(part, be.array_type)]
    assert handle.nbytes == sum(array.nbytes for array in held)
    assert all(array.base is None or array.base.nbytes == array.nbytes for array in held)  # nothing larger behind them


def arrays_in(thing, array_type):
    for value in vars(thing).values():
        yield from [a for a in (value if isinstance(value, list) else [value]) if isinstance(a, array_type)]


def test_a_tenth_of_the_coefficients_in_a_byte_each_takes_a_twentieth_of_the_map():
    x = maps((16, 16, 64, 8))
    assert pack(x, 0.1).nbytes < x.nbytes / 20


@given(
    seed=st.integers(0, 99),
    shape=st.lists(st.integers(0, 9), min_size=0, max_size=4).map(tuple),
    share=st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]),
)
def test_bitmaps_come_back_exactly_in_the_stated_bytes(be, seed, shape, share):
    decisions = np.asarray(np.random.default_rng(seed).random(shape) < share)
    handle = Bitmap(be.asarray(decisions))
    assert (handle.shape, handle.dtype, handle.count) == (shape, bool, np.count_nonzero(decisions))
    assert handle.nbytes == handle.bytes.masks == bitmap_bytes(decisions)
    back = to_host(handle.dense())
    assert back.dtype == bool
    np.testing.assert_array_equal(back, decisions)


def test_a_device_is_waited_for_twice():
    """For the largest entry, which says whether a transform can overflow, and for the counts of the bitmap."""
    x = STRICT.asarray(maps())
    with count_waits() as waits:
        handle = pack(x)
        assert waits() == 2
        handle.dense()
        assert waits() == 2


# ---- what is not transformed -----------------------------------------------------------------------------------


def test_small_arrays_are_kept_exactly(be):
    x = maps((4, 4, 8, 7))
    handle = pack(be.asarray(x))
    assert handle.format == "dense"
    assert_bit_equal(handle.dense(), x)


@pytest.mark.parametrize("shape", [(64, 120), (1, 32, 32, 4), (32, 1, 32, 4), (2048,), (4, 4, 4, 4, 8)])
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_other_arrays_are_kept_whole_in_reduced_values(be, shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    handle = pack(be.asarray(x))
    assert handle.format == "quant int8" and handle.nbytes == sum(sizes("int8", x.size, dtype))
    back = to_host(handle.dense())
    assert np.linalg.norm(x - back) < 0.02 * np.linalg.norm(x)


def test_a_spectrum_is_not_transformed_again(be):
    assert pack(be.asarray(maps().astype(np.complex64))).format == "quant int8"


@pytest.mark.parametrize("gathered", [False, True])
def test_zeros_that_are_decisions_are_kept(be, gathered):
    x = np.maximum(maps(), 0)
    array = be.asarray(x)
    handle = pack(array, sparse=Sparse.of(array) if gathered else None, exact_zeros=not gathered)
    assert handle.format == "mask int8"
    np.testing.assert_array_equal(support_of(handle.sparse()), x != 0)


def test_maps_below_the_smallest_are_kept_whole(be):
    store = get_store("dct:0.25:int8:16")
    formats = []
    for rows, cols in ((8, 9), (15, 16), (16, 15), (16, 16), (32, 33)):
        x = be.asarray(np.random.default_rng(0).standard_normal((rows, cols, 8, 4)).astype(np.float32))
        formats.append(store.pack(x).format)
    assert formats == ["quant int8"] * 3 + ["dct int8"] * 2


# ---- draws and settings ----------------------------------------------------------------------------------------


def test_what_is_drawn_follows_from_the_key_and_the_number(be):
    array, store = be.asarray(maps()), DCTStore()
    without_begin = to_host(store.pack(array).dense())

    def two(key):
        store.begin(key)
        return [to_host(store.pack(array).dense()) for _ in range(2)]

    first, second = two((3, 1))
    again = two((3, 1))
    np.testing.assert_array_equal(first, again[0])
    np.testing.assert_array_equal(second, again[1])
    assert (first != second).any() and (first != two((3, 2))[0]).any()
    np.testing.assert_array_equal(without_begin, two((0,))[0])


@pytest.mark.parametrize(
    "text, keep",
    [(0.1, ("rate", 0.1)), ("0.1", ("rate", 0.1)), ("rate=1", ("rate", 1)), ("energy=0.99", ("energy", 0.99)),
     ("beta=0.5", ("beta", 0.5)), ("beta=0", ("beta", 0))],
)  # fmt: skip
def test_what_to_keep_is_read_from_text(text, keep):
    assert Keep.parse(text) == keep
    store = DCTStore(text, "int4", "5")
    assert (store.keep, store.values, store.smallest, store.lossless) == (keep, "int4", 5, False)


def test_a_tenth_in_bytes_of_maps_of_any_size_is_what_one_gets():
    store = get_store("dct")
    assert (store.name, store.keep, store.values, store.smallest) == ("dct", ("rate", 0.1), "int8", 2)
    assert not DCTStore(1, "exact").lossless


@pytest.mark.parametrize(
    "wrong", ["0", "1.1", "-1", "nan", "beta=-1", "beta=inf", "energy=0", "energy=1.01", "top=3", "x", "", None]
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(wrong):
    with pytest.raises(ValueError, match=r"^store dct: what to keep is a share above 0 .*, got "):
        DCTStore(wrong)


def test_unknown_values_are_refused_and_the_known_listed():
    with pytest.raises(ValueError, match=r"^store dct: unknown kind of values 'int3': choose exact, "):
        DCTStore(0.1, "int3")


@pytest.mark.parametrize("smallest", ["1", "0", "-3", "2.5", "x", 1, None])
def test_a_smallest_map_that_is_none_is_refused(smallest):
    with pytest.raises(ValueError, match=r"^store dct: the smallest map to transform has 2 rows"):
        DCTStore(0.25, "int8", smallest)


def test_a_matrix_is_made_once_for_a_device_a_size_and_a_dtype():
    cpu = backend.get("cpu")
    assert matrix(cpu, 7, np.dtype(np.float32)) is matrix(cpu, 7, np.dtype(np.float32))
    assert matrix(cpu, 7, np.dtype(np.float32)).dtype == np.float32
