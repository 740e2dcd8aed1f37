import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe import backend
from specframe.data import Augment, DataLoader, Dataset
from specframe.data.transforms import random_crop, random_flip
from tests.kit.strict import STRICT, count_waits

KEY = (0, 0, 0)


def batch(n, channels=2, rows=5, cols=4, dtype=np.float32):
    """Images whose pixels are all different and none of them zero."""
    return np.arange(1, 1 + n * channels * rows * cols).reshape(n, channels, rows, cols).astype(dtype)


def places(before, after, pad):
    """For each image all (top, left, mirrored) at which the padded input holds the output."""
    rows, cols = before.shape[2:]
    padded = np.pad(before, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    found = [[] for _ in before]
    for top, left, mirrored in np.ndindex(2 * pad + 1, 2 * pad + 1, 2):
        window = padded[:, :, top : top + rows, left : left + cols]
        same = after == (window[..., ::-1] if mirrored else window)
        for n in np.flatnonzero(same.all(axis=(1, 2, 3))):
            found[n].append((top, left, bool(mirrored)))
    return found


# ---- what comes out --------------------------------------------------------------------------------------------


@given(
    n=st.integers(0, 20),
    channels=st.integers(1, 3),
    rows=st.integers(1, 7),
    cols=st.integers(1, 7),
    pad=st.integers(0, 4),
    flip=st.booleans(),
    key=st.tuples(st.integers(0, 2**40), st.integers(0, 9), st.integers(0, 9)),
    dtype=st.sampled_from([np.float32, np.float64, np.uint8]),
)
def test_every_output_is_a_window_of_the_padded_input_or_its_mirror(n, channels, rows, cols, pad, flip, key, dtype):
    x = batch(n, channels, rows, cols, dtype)
    before = x.copy()
    y = Augment(pad, flip)(x, key)
    assert y.shape == x.shape and y.dtype == x.dtype
    np.testing.assert_array_equal(x, before)
    for found in places(x, y, pad):
        assert found if flip else any(not mirrored for _, _, mirrored in found)


def test_all_offsets_occur_evenly_and_about_half_are_mirrored():
    x = batch(5000, 1, 3, 3)
    found = places(x, Augment(pad=1)(x, KEY), pad=1)
    assert all(len(place) == 1 for place in found)
    counts = {place: 0 for place in np.ndindex(3, 3)}
    for ((top, left, _),) in found:
        counts[top, left] += 1
    assert min(counts.values()) > 450 and max(counts.values()) < 670  # 556 each, standard deviation 22
    assert 2300 < sum(mirrored for ((_, _, mirrored),) in found) < 2700


def test_flip_is_drawn_apart_from_the_crop():
    x = batch(4000, 1, 3, 3)
    found = [place for (place,) in places(x, Augment(pad=1)(x, KEY), pad=1)]
    mirrored = [mirrored for top, left, mirrored in found if (top, left) == (0, 0)]
    assert 0.35 < np.mean(mirrored) < 0.65


def test_padding_is_zero():
    x = np.ones((50, 1, 4, 4), np.float32)
    y = Augment(pad=4)(x, KEY)
    assert set(np.unique(y)) == {0, 1}
    assert (y == 0).all(axis=(1, 2, 3)).any()  # moved by all of its size


def test_channels_move_together():
    x = batch(20, channels=1)
    y = Augment()(np.concatenate([x, x + 1000 * (x > 0)], axis=1), KEY)
    np.testing.assert_array_equal(y[:, 1], y[:, 0] + 1000 * (y[:, 0] > 0))


def test_neither_crop_nor_flip_is_the_identity():
    x = batch(10)
    np.testing.assert_array_equal(Augment(pad=0, flip=False)(x, KEY), x)


@pytest.mark.parametrize(("pad", "flip", "expected"), [(2, False, random_crop), (0, True, random_flip)])
def test_each_part_can_be_had_alone(pad, flip, expected):
    x, rng = batch(10), np.random.default_rng([*KEY, 1])
    y = expected(x, pad, rng) if pad else expected(x, rng)
    np.testing.assert_array_equal(Augment(pad, flip)(x, KEY), y)


# ---- the key ---------------------------------------------------------------------------------------------------


def test_same_key_gives_the_same_and_another_key_another_result():
    x, augment = batch(20), Augment()
    results = [augment(x, key) for key in [KEY, KEY, (1, 0, 0), (0, 1, 0), (0, 0, 1)]]
    np.testing.assert_array_equal(results[0], results[1])
    for a in range(1, 5):
        for b in range(a):
            assert (a, b) == (1, 0) or (results[a] != results[b]).any()


def test_result_is_fixed_by_the_key_for_good():
    # Spelt out: a change would make old checkpoints resume with other images.
    x = batch(4, 1, 3, 3)
    found = [place for (place,) in places(x, Augment(pad=1)(x, (5, 2, 7)), pad=1)]
    assert found == [(1, 0, False), (1, 0, True), (2, 1, False), (1, 0, True)]


def test_numbers_are_not_those_behind_the_shuffle():
    # (seed, 0, 0) is the same seed as (seed, 0) for NumPy, which the loader shuffles by: hence the last 1.
    x = batch(100, 1, 3, 3)
    shuffle = random_crop(x, 1, np.random.default_rng([3, 0]))
    assert (Augment(pad=1, flip=False)(x, (3, 0, 0)) != shuffle).any()


def test_loader_resumes_with_the_same_augmented_batches():
    data = Dataset(batch(20), np.arange(20), num_classes=20, name="toy")
    settings = {"shuffle": True, "seed": 3, "device": "cpu", "transform": Augment(pad=1)}
    whole = list(DataLoader(data, 6, **settings).epoch(1))
    rest = list(DataLoader(data, 6, prefetch=0, **settings).epoch(1, start=2))
    for (x, y), (x_again, y_again) in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(x, x_again)
        np.testing.assert_array_equal(y, y_again)
    plain = next(iter(DataLoader(data, 6, **{**settings, "transform": None}).epoch(1)))
    assert whole[0][1].tolist() == plain[1].tolist() and (whole[0][0] != plain[0]).any()


# ---- devices ---------------------------------------------------------------------------------------------------


def test_result_is_the_same_on_every_device(be):
    x = batch(20)
    y = Augment()(be.asarray(x), KEY)
    assert backend.of("test", y) is be and y.dtype == np.float32
    np.testing.assert_array_equal(be.to_host(y), Augment()(x, KEY))


def test_device_is_never_waited_for():
    x = STRICT.asarray(batch(20))
    with count_waits() as waits:
        Augment()(x, KEY)
    assert waits() == 0


# ---- wrong arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pad", [-1, 1.5, "4", None])
def test_pad_that_is_no_number_of_pixels_is_refused(pad):
    with pytest.raises(ValueError, match=f"Augment: expected pad to be a whole number of at least 0, got {pad!r}"):
        Augment(pad)


def test_arrays_without_four_axes_are_refused():
    with pytest.raises(
        ValueError, match=r"expected an array \(batch, channels, rows, cols\), got one of shape \(5, 4\)"
    ):
        Augment()(np.zeros((5, 4), np.float32), KEY)


def test_it_says_what_it_does():
    assert repr(Augment()) == "Augment(pad=4, flip=True)"
