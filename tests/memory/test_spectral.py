"""spectral: the largest coefficients come back, the error is what was dropped, the bytes are those of the buffers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.backend import to_host
from specframe.memory.bitmap import Bitmap
from specframe.memory.spectral import Keep, SpectralStore
from specframe.memory.transforms import TRANSFORMS
from specframe.memory.values import sizes
from specframe.saving import get_store
from specframe.saving.sparse import Sparse
from tests.kit.strict import STRICT, count_waits
from tests.saving.test_formats import support_of

SHAPE = (8, 8, 16, 4)


def maps(shape=SHAPE, dtype=np.float32, seed=0):
    """Random maps whose coefficients fall with the frequency, as those of images do."""
    rows, cols = shape[:2]
    falling = 1 / (1 + np.arange(rows)[:, None] + np.arange(cols))
    y = np.random.default_rng(seed).standard_normal(shape) * falling[..., None, None]
    return TRANSFORMS["dct"].inverse(y, shape).astype(dtype)


def energy(array):
    return float(np.sum(np.abs(to_host(array).astype(np.complex128)) ** 2))


def pack(array, *settings, key=(0,), **how):
    store = SpectralStore(*settings)
    store.begin(key)
    return store.pack(array, **how)


# ---- what comes back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("shape", [SHAPE, (7, 5, 16, 4), (2, 2, 64, 5), (2, 600, 1, 1), (35, 19, 2, 2)])
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 1e-13)])
def test_all_coefficients_give_the_map_back(be, transform, shape, dtype, tolerance):
    x = maps(shape, dtype)
    handle = pack(be.asarray(x), 1, "exact", transform)
    assert (handle.shape, handle.dtype, handle.density) == (shape, dtype, 1)
    for _ in range(2):  # a handle answers as often as it is asked
        back = handle.dense()
        assert back.dtype == dtype
        np.testing.assert_allclose(to_host(back), x, atol=tolerance)


@pytest.mark.parametrize("transform", TRANSFORMS)
@given(seed=st.integers(0, 99), rate=st.floats(0.001, 1), size=st.tuples(st.integers(2, 9), st.integers(2, 9)))
def test_the_error_is_that_of_the_smallest_coefficients(be, transform, seed, rate, size):
    x = maps((*size, 32, 8), np.float64, seed)
    handle = pack(be.asarray(x), rate, "exact", transform)
    count = TRANSFORMS[transform].count(x.shape)
    kept = max(1, round(rate * count))
    dropped = np.sort(np.abs(to_host(TRANSFORMS[transform].forward(be.asarray(x)))).ravel())[::-1][kept:]
    assert handle.density == kept / count
    assert energy(x - to_host(handle.dense())) == pytest.approx(energy(dropped), rel=1e-9, abs=1e-12 * energy(x))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1.0])
def test_energy_keeps_the_fewest_coefficients_with_that_share(be, transform, share):
    x = maps(dtype=np.float64)
    handle = pack(be.asarray(x), f"energy={share}", "exact", transform)
    descending = np.sort(np.abs(to_host(TRANSFORMS[transform].forward(be.asarray(x)))).ravel())[::-1] ** 2
    kept = round(handle.density * TRANSFORMS[transform].count(x.shape))
    assert descending[:kept].sum() >= (share - 1e-12) * energy(x)
    assert share == 1 or descending[: kept - 1].sum() < share * energy(x)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("beta", [0.0, 0.1, 1.0, 1e9])
def test_beta_keeps_the_coefficients_from_that_magnitude_on(be, transform, beta):
    x = maps(dtype=np.float64)
    handle, y = pack(be.asarray(x), f"beta={beta}", "exact", transform), TRANSFORMS[transform].forward(be.asarray(x))
    y = np.abs(to_host(y))
    kept = (y >= beta) & (y > 0)
    assert handle.density == np.count_nonzero(kept) / TRANSFORMS[transform].count(x.shape)
    assert energy(x - to_host(handle.dense())) == pytest.approx(energy(y[~kept]), rel=1e-9, abs=1e-18)


@pytest.mark.parametrize("values, error", [("float16", 1e-3), ("bfloat16", 5e-3), ("int8", 0.02), ("int4", 0.3)])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_reduced_values_add_their_own_error(be, transform, values, error):
    x = maps()
    back = to_host(pack(be.asarray(x), 1, values, transform).dense())
    assert 0 < math.sqrt(energy(x - back) / energy(x)) < error


@pytest.mark.parametrize("keep", [0.3, "energy=0.9", "beta=0.5", 1])
def test_a_map_of_zeros_comes_back(be, keep):
    handle = pack(be.asarray(np.zeros(SHAPE, np.float32)), keep)
    assert handle.density == 0 and handle.bytes.values == 0
    np.testing.assert_array_equal(to_host(handle.dense()), 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("values", ["exact", "float16", "bfloat16", "int8"])
@pytest.mark.parametrize("keep", [0.1, "energy=0.9", "beta=0.5"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_shows_in_what_comes_back(be, transform, values, keep, bad):
    x = maps()
    x[3, 4, 5, 2] = bad
    assert not np.isfinite(to_host(pack(be.asarray(x), keep, values, transform).dense())[:, :, 5, 2]).all()


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_views_are_packed_as_they_read_and_left_alone(be, transform):
    x = be.asarray(maps((16, 8, 16, 4)))
    before = to_host(x).copy()
    for view in (x[::2], x.transpose((1, 0, 3, 2)), x[:, :, 1:]):
        expected = pack(be.asarray(np.ascontiguousarray(to_host(view))), 0.2, "int8", transform).dense()
        np.testing.assert_allclose(to_host(pack(view, 0.2, "int8", transform).dense()), to_host(expected), atol=1e-5)
    np.testing.assert_array_equal(to_host(x), before)


# ---- bytes -----------------------------------------------------------------------------------------------------


def bitmap_bytes(decisions):
    """The formula of the module, level by level."""
    bits = np.packbits(decisions.ravel())
    which = np.packbits(bits != 0)
    return np.count_nonzero(bits) + np.count_nonzero(which) + len(np.packbits(which != 0))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("values", ["exact", "float16", "int8", "int4", "int2"])
@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0])
def test_bytes_follow_the_formula_and_are_those_of_the_buffers(be, transform, values, rate):
    handle = pack(be.asarray(maps()), rate, values, transform)
    assert handle.format == f"spectral {transform} {values}"
    y = np.abs(to_host(TRANSFORMS[transform].forward(be.asarray(maps()))))
    count = TRANSFORMS[transform].count(SHAPE)
    kept = y >= np.sort(y.ravel())[::-1][round(rate * count) - 1]
    dtype = np.complex64 if transform == "fft" else np.float32
    codes, scales = sizes(values, np.count_nonzero(kept), dtype)
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


def test_a_device_is_waited_for_once():
    x = STRICT.asarray(maps())
    with count_waits() as waits:
        handle = pack(x)
        assert waits() == 1
        handle.dense()
        assert waits() == 1


# ---- what is not transformed -----------------------------------------------------------------------------------


def test_small_arrays_are_kept_exactly(be):
    x = maps((4, 4, 8, 7))
    handle = pack(be.asarray(x))
    assert handle.format == "dense"
    np.testing.assert_array_equal(to_host(handle.dense()), x)


@pytest.mark.parametrize("shape", [(64, 120), (1, 32, 16, 4), (32, 1, 16, 4), (2048,), (4, 4, 4, 4, 8)])
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_other_arrays_are_kept_whole_in_reduced_values(be, shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    handle = pack(be.asarray(x))
    assert handle.format == "quant int8" and handle.nbytes == sum(sizes("int8", x.size, dtype))
    assert energy(x - to_host(handle.dense())) < 1e-3 * energy(x)


def test_a_spectrum_is_not_transformed_again(be):
    assert pack(be.asarray(maps().astype(np.complex64))).format == "quant int8"


@pytest.mark.parametrize("gathered", [False, True])
def test_zeros_that_are_decisions_are_kept(be, gathered):
    x = np.maximum(maps(), 0)
    array = be.asarray(x)
    handle = pack(array, sparse=Sparse.of(array) if gathered else None, exact_zeros=not gathered)
    assert handle.format == "mask int8"
    np.testing.assert_array_equal(support_of(handle.sparse()), x != 0)


# ---- draws and settings ----------------------------------------------------------------------------------------


def test_what_is_drawn_follows_from_the_key_and_the_number(be):
    array, store = be.asarray(maps()), SpectralStore()
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
    store = SpectralStore(text, "int4", "haar")
    assert (store.keep, store.values, store.transform, store.lossless) == (keep, "int4", "haar", False)


@pytest.mark.parametrize("wrong", ["0", "1.1", "-1", "nan", "beta=-1", "beta=inf", "energy=0", "top=3", "x", "", None])
def test_what_cannot_be_kept_is_refused_in_a_sentence(wrong):
    with pytest.raises(ValueError, match=r"^store spectral: what to keep is a share above 0 .*, got "):
        SpectralStore(wrong)


def test_unknown_values_and_transforms_are_refused_and_the_known_listed():
    with pytest.raises(ValueError, match=r"^store spectral: unknown kind of values 'int3': choose exact, "):
        SpectralStore(0.1, "int3")
    with pytest.raises(ValueError, match=r"^store spectral: unknown transform 'dst': choose fft, dct, haar$"):
        SpectralStore(0.1, "int8", "dst")


def test_maps_below_the_smallest_are_kept_whole(be):
    store = get_store("spectral:0.25:int8:dct:16")
    formats = []
    for side in (8, 15, 16, 32):
        x = be.asarray(np.random.default_rng(0).standard_normal((side, side + 1, 8, 4)).astype(np.float32))
        formats.append(store.pack(x).format)
    assert formats == ["quant int8"] * 2 + ["spectral dct int8"] * 2


@pytest.mark.parametrize("smallest", ["1", "0", "-3", "2.5", "x"])
def test_a_smallest_map_that_is_none_is_refused(smallest):
    with pytest.raises(ValueError, match=r"^store spectral: the smallest map to transform has 2 rows"):
        get_store(f"spectral:0.25:int8:dct:{smallest}")


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_unbiased_pruning_is_the_map_on_average_over_the_draws(be, transform):
    x = maps(dtype=np.float64)
    store, draws = SpectralStore("unbiased=0.3", "exact", transform), []
    for seed in range(400):
        store.begin((seed,))
        handle = store.pack(be.asarray(x))
        draws.append(to_host(handle.dense()))
        assert 0.2 < handle.density < 0.4
    error = np.mean(draws, axis=0) - x
    one = np.sqrt(np.mean((draws[0] - x) ** 2))
    assert np.sqrt(np.mean(error**2)) < 2 * one / np.sqrt(len(draws))
    biased = to_host(SpectralStore(0.3, "exact", transform).pack(be.asarray(x)).dense()) - x
    assert np.sqrt(np.mean(error**2)) < 0.5 * np.sqrt(np.mean(biased**2))


@pytest.mark.parametrize("share", [0.01, 0.5, 1])
def test_unbiased_pruning_of_zeros_ties_and_everything(be, share):
    for x in (np.zeros((8, 8, 4, 8)), np.ones((8, 8, 4, 8)), maps(dtype=np.float64)):
        given = SpectralStore(f"unbiased={share}", "exact").pack(be.asarray(x)).dense()
        assert np.isfinite(to_host(given)).all()
        if share == 1 or not x.any():
            np.testing.assert_allclose(to_host(given), x, atol=1e-12)
