"""Values in fewer bits: how far from what was given, without bias, in as many bytes as stated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.backend import to_host
from specframe.memory.values import BITS, DITHERS, GROUP, KINDS, check_kind, encode, sizes
from tests.kit.strict import STRICT, count_waits

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
TOP = {"int8": 127, "int4": 7, "int2": 1}


def numbers(seed, size, dtype, density=1.0, spread=3.0):
    """Entries of magnitudes that differ by orders; a share of them is zero."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    reals = rng.standard_normal((size, 2)) * np.exp(spread * rng.standard_normal((size, 2)))
    values = (reals[:, 0] + 1j * reals[:, 1] if dtype.kind == "c" else reals[:, 0]).astype(dtype)
    return np.where(rng.random(size) < density, values, dtype.type(0))


def as_reals(values):
    return values.view(values.real.dtype)


def group_peaks(values):
    """The largest |real| of its group, for each real."""
    reals = np.abs(as_reals(values))
    starts = np.arange(0, reals.size, GROUP)
    return np.repeat(np.maximum.reduceat(reals, starts), GROUP)[: reals.size]


def there_and_back(be, values, kind, key=(0,)):
    back = to_host(encode(be.asarray(values), kind, key).decode())
    assert (back.shape, back.dtype) == (values.shape, values.dtype)
    return back


arrays = st.builds(
    numbers,
    seed=st.integers(0, 99),
    size=st.one_of(st.integers(0, 4), st.sampled_from([127, 128, 129, 255, 256, 257, 1000, 9000])),
    dtype=st.sampled_from(DTYPES),
    density=st.sampled_from([0.0, 0.1, 1.0]),
)


# ---- how far off -----------------------------------------------------------------------------------------------


@given(values=arrays)
def test_exact_is_exact(be, values):
    assert there_and_back(be, values, "exact").tobytes() == values.tobytes()


@given(values=arrays)
def test_float16_keeps_eleven_bits_of_the_larger_and_an_absolute_error_of_the_smaller(be, values):
    if values.size == 0:
        return
    reals, back = as_reals(values), as_reals(there_and_back(be, values, "float16"))
    assert (np.abs(back - reals) <= np.maximum(np.abs(reals) * 2.0**-10.99, np.abs(reals).max() * 2.0**-40)).all()


@pytest.mark.parametrize("kind", BITS)
@given(values=arrays, key=st.integers(0, 10**12))
def test_integers_are_off_by_less_than_a_step(be, kind, values, key):
    if values.size == 0:
        return
    reals, back = as_reals(values), as_reals(there_and_back(be, values, kind, (3, key)))
    assert (np.abs(back - reals) <= group_peaks(values) / TOP[kind] * (1 + 1e-5)).all()


@pytest.mark.parametrize("kind", BITS)
def test_the_largest_of_a_group_and_whole_codes_keep_their_value(be, kind):
    whole = np.resize(np.arange(-TOP[kind], TOP[kind] + 1), 20 * GROUP).reshape(20, GROUP)
    whole[:, 0] = TOP[kind]
    scales = np.exp(np.random.default_rng(0).standard_normal((20, 1)) * 9)
    for dtype in (np.float32, np.float64):
        values = (whole * scales).astype(dtype).reshape(-1)
        for key in range(20):
            np.testing.assert_allclose(there_and_back(be, values, kind, (key,)), values, rtol=5 * np.finfo(dtype).eps)


@pytest.mark.parametrize("kind", KINDS)
@given(values=arrays)
def test_zero_stays_zero(be, kind, values):
    reals, back = as_reals(values), as_reals(there_and_back(be, values, kind))
    assert not back[reals == 0].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends_of_the_range_come_back_in_place_and_finite(be, kind, dtype):
    limits = np.finfo(dtype)
    for size in (limits.max, limits.max * 0.7, limits.tiny, limits.smallest_subnormal):
        values = np.zeros(9000, dtype)
        values[3], values[400], values[8999] = size, -size, size  # in three groups, alone: each keeps its value
        back = there_and_back(be, values, kind)
        assert np.isfinite(back).all() and not back[values == 0].any()
        if size > limits.smallest_subnormal:
            np.testing.assert_allclose(back, values, rtol=4 * limits.eps)
        else:
            assert (np.abs(back) <= 2 * limits.tiny).all()


@pytest.mark.parametrize("kind", ["float16", *BITS])
def test_float64_beyond_the_range_of_float32_keeps_its_bits(be, kind):
    values = numbers(3, 2000, np.float64, spread=0.5)
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(
            there_and_back(be, values * scale, kind), there_and_back(be, values, kind) * scale, rtol=1e-12
        )


# ---- without bias ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BITS)
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_the_mean_over_many_keys_is_what_was_given(kind, dtype):
    values = numbers(5, 1000, dtype, spread=0.5)
    draws = np.array([as_reals(encode(values, kind, (7, key)).decode()) for key in range(400)], np.float64)
    step = group_peaks(values) / TOP[kind]
    share = np.abs(as_reals(values)) / step % 1
    deviation = step * np.sqrt(share * (1 - share) / 400)  # of the mean of 400 independent roundings
    assert (np.abs(draws.mean(axis=0) - as_reals(values)) <= 5 * deviation + step / DITHERS).all()


@pytest.mark.parametrize("kind", BITS)
def test_neighbours_and_reals_a_group_apart_err_independently(kind):
    values = np.random.default_rng(2).uniform(-1, 1, 20 * GROUP).astype(np.float32)
    values[::GROUP] = 1
    errors = np.array([encode(values, kind, (key,)).decode() - values for key in range(100)])
    for apart in (1, 2, GROUP, 4096):
        correlation = np.mean(errors[:, apart:] * errors[:, :-apart]) / np.mean(errors**2)
        assert abs(correlation) < 0.03


@pytest.mark.parametrize("kind", BITS)
def test_the_key_fixes_the_rounding(be, kind):
    values = numbers(1, 5000, np.float32)
    first, again, other = (there_and_back(be, values, kind, key) for key in [(1, 2), (1, 2), (1, 3)])
    assert first.tobytes() == again.tobytes() and first.tobytes() != other.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_backend_gives_the_same_values(be, kind):
    values = numbers(1, 200_000, np.complex64)  # the CPU rounds block by block
    np.testing.assert_allclose(there_and_back(be, values, kind), encode(values, kind, (0,)).decode(), rtol=1e-6)


# ---- what is not finite ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_shows(be, kind, bad):
    for dtype in DTYPES:
        values = numbers(0, 1000, dtype)
        values[300] = bad
        back = there_and_back(be, values, kind)
        assert not np.isfinite(back[300])
        if kind in BITS:
            assert np.isfinite(back[600:]).all()
        if kind == "exact":
            assert np.isfinite(np.delete(back, 300)).all()


# ---- bytes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@given(values=arrays)
def test_bytes_follow_the_formula_and_are_those_of_the_buffers(be, kind, values):
    encoded = encode(be.asarray(values), kind, (0,))
    assert (encoded.nbytes, encoded.scale_nbytes) == sizes(kind, values.size, values.dtype)
    assert (encoded.size, encoded.dtype) == (values.size, values.dtype)
    real = values.real.itemsize
    R, groups = values.nbytes // real, -(-values.nbytes // real // 256)
    stated = {
        "exact": values.nbytes,
        "float16": 2 * R + real,
        "int8": (256 + real) * groups,
        "int4": (128 + real) * groups,
        "int2": (64 + real) * groups,
    }[kind]
    assert encoded.nbytes + encoded.scale_nbytes == min(stated, values.nbytes)
    held = [thing for thing in vars(encoded).values() if isinstance(thing, be.array_type)]
    assert all(thing.base is None or thing.base.nbytes == thing.nbytes for thing in held)
    assert sum(thing.nbytes for thing in held) == encoded.nbytes + encoded.scale_nbytes


@pytest.mark.parametrize("kind", KINDS)
def test_encoding_leaves_the_values_alone_and_takes_them_from_any_view(be, kind):
    values = numbers(3, 2000, np.complex64)
    whole = be.asarray(values)
    encoded = encode(whole[::2], kind, (0,))
    expected = there_and_back(be, values[::2].copy(), kind)
    assert to_host(whole).tobytes() == values.tobytes()
    whole[:] = 0
    assert to_host(encoded.decode()).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_host_never_waits(kind):
    values = STRICT.asarray(numbers(3, 3000, np.complex64))
    with count_waits() as waits:
        encode(values, kind, (0,)).decode()
    assert waits() == 0


def test_an_unknown_kind_is_refused():
    listed = "choose exact, float16, int8, int4, int2"
    with pytest.raises(ValueError, match=f"^store mask: unknown kind of values 'int3': {listed}$"):
        check_kind("int3", "store mask")
    with pytest.raises(ValueError, match=f"^encode: unknown kind of values 8: {listed}$"):
        encode(np.ones(3), 8, (0,))
