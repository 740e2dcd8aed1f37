import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specframe import backend
from specframe.data import DataLoader, Dataset


def numbered(n, channels=2, rows=3, cols=4):
    """n samples; every pixel of sample i is i plus a hundredth that says which pixel it is, and its label is i."""
    place = np.arange(channels * rows * cols).reshape(channels, rows, cols) / 100
    images = np.arange(n).reshape(-1, 1, 1, 1) + place
    return Dataset(images.astype(np.float32), np.arange(n), num_classes=n, name="numbered")


def loader(n=10, batch_size=3, **settings):
    return DataLoader(numbered(n), batch_size, device="cpu", **settings)


def labels(batches):
    return [y.tolist() for _, y in batches]


def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("specframe-loader")]


# ---- what a batch is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [False, True])
def test_batch_has_the_framework_layout(shuffle):
    data = numbered(10)
    for x, y in DataLoader(data, 3, shuffle=shuffle, device="cpu"):
        assert x.shape == (3, 4, len(y), 2)
        assert x.dtype == np.float32 and x.flags.c_contiguous
        assert y.dtype == np.int64
        np.testing.assert_array_equal(x.transpose(2, 3, 0, 1), data.images[y])


def test_batches_are_copies():
    data = numbered(3)
    for x, y in DataLoader(data, 3, device="cpu"):
        x[:], y[:] = -1, -1
    assert data.images.min() == 0 and data.labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [3, 3, 3, 1]), (True, [3, 3, 3])])
def test_drop_last_leaves_out_the_smaller_batch(drop_last, sizes):
    batches = loader(drop_last=drop_last)
    assert [len(y) for y in labels(batches)] == sizes
    assert len(batches) == len(sizes)


def test_drop_last_keeps_a_last_batch_that_is_whole():
    assert labels(loader(6, drop_last=True)) == [[0, 1, 2], [3, 4, 5]]


# ---- order and resuming ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    n=st.integers(1, 40),
    batch_size=st.integers(1, 50),
    seed=st.integers(0, 2**40),
    epoch=st.integers(0, 5),
    prefetch=st.integers(0, 3),
    data=st.data(),
)
def test_epoch_has_each_sample_once_and_resumes_anywhere(n, batch_size, seed, epoch, prefetch, data):
    settings = {"shuffle": True, "seed": seed, "prefetch": prefetch}
    whole = labels(loader(n, batch_size, **settings).epoch(epoch))
    assert sorted(number for batch in whole for number in batch) == list(range(n))
    assert len(whole) == -(-n // batch_size)
    start = data.draw(st.integers(0, len(whole)), label="start")
    assert labels(loader(n, batch_size, **settings).epoch(epoch, start)) == whole[start:]


def test_each_loop_runs_the_next_epoch():
    batches = loader(shuffle=True, seed=5)
    first, second = labels(batches), labels(batches)
    assert first != second
    assert (first, second) == (labels(batches.epoch(0)), labels(batches.epoch(1)))


def test_order_is_fixed_by_seed_and_epoch_for_good():
    # Spelt out: a change would make old checkpoints resume with other batches.
    order = loader(shuffle=True, seed=5).order(2).tolist()
    assert order == np.random.default_rng([5, 2]).permutation(10).tolist() == [2, 4, 0, 9, 5, 8, 6, 3, 1, 7]
    assert order != loader(shuffle=True, seed=6).order(2).tolist()


def test_without_shuffle_every_epoch_is_in_the_order_of_the_set():
    batches = loader()
    assert labels(batches) == labels(batches) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


def test_two_epochs_can_be_read_side_by_side():
    batches = loader(shuffle=True)
    pairs = list(zip(batches.epoch(0), batches.epoch(1), strict=True))
    assert labels(a for a, _ in pairs) == labels(batches.epoch(0))
    assert labels(b for _, b in pairs) == labels(batches.epoch(1))


# ---- the thread ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [1, 2, 100])
def test_prefetch_changes_nothing_about_the_batches(prefetch):
    pairs = zip(loader(shuffle=True, prefetch=0), loader(shuffle=True, prefetch=prefetch), strict=True)
    for (x, y), (x_ahead, y_ahead) in pairs:
        np.testing.assert_array_equal(x, x_ahead)
        np.testing.assert_array_equal(y, y_ahead)


def test_prefetch_zero_uses_no_thread():
    seen = []
    list(loader(prefetch=0, transform=lambda x, key: seen.append(threading.current_thread()) or x))
    assert set(seen) == {threading.current_thread()}


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_no_more_than_prefetch_batches_are_made_ahead(prefetch):
    made = []
    batches = loader(100, 1, prefetch=prefetch, transform=lambda x, key: made.append(key[2]) or x).epoch(0)
    for taken in range(1, 20):
        next(batches)
        # What was made before this call returned; the thread may still be adding to it, up to the bound.
        assert taken <= len(made) <= taken + prefetch
    batches.close()
    assert len(made) <= 19 + prefetch


def test_finished_loop_leaves_no_thread():
    list(loader())
    assert loader_threads() == []


def test_break_stops_the_thread():
    for _ in loader(1000, 1):
        break
    gc.collect()
    assert loader_threads() == []


def test_close_stops_the_thread():
    batches = loader(1000, 1).epoch(0)
    next(batches)
    assert len(loader_threads()) == 1
    batches.close()
    assert loader_threads() == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_error_in_the_loop_body_stops_the_thread(error):
    def train():
        for _ in loader(1000, 1):
            raise error

    with pytest.raises(error):
        train()
    gc.collect()
    assert loader_threads() == []


def test_iterator_that_is_never_started_starts_no_thread():
    batches = loader().epoch(0)
    assert loader_threads() == []
    del batches


def test_abandoned_loader_frees_the_data_set():
    data = numbered(100)
    batches = DataLoader(data, 1, device="cpu").epoch(0)
    next(batches)
    alive = weakref.ref(data)
    del data, batches
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("prefetch", [0, 2])
def test_error_on_the_thread_is_raised_at_its_batch(prefetch):
    def fail_at_two(x, key):
        if key[2] == 2:
            raise ZeroDivisionError("batch two")
        return x

    got = []
    with pytest.raises(ZeroDivisionError, match="batch two"):
        got.extend(y.tolist() for _, y in loader(prefetch=prefetch, transform=fail_at_two))
    assert got == [[0, 1, 2], [3, 4, 5]]
    assert loader_threads() == []


# ---- transform and device --------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 2])
def test_transform_gets_the_batch_in_the_layout_of_the_set_and_its_key(prefetch):
    data, keys = numbered(10), []

    def negate(x, key):
        assert x.shape[1:] == (2, 3, 4)
        keys.append(key)
        x *= -1  # it may write to what it gets
        return x

    for x, y in DataLoader(data, 3, seed=7, device="cpu", prefetch=prefetch, transform=negate).epoch(4, start=1):
        np.testing.assert_array_equal(x.transpose(2, 3, 0, 1), -data.images[y])
    assert keys == [(7, 4, 1), (7, 4, 2), (7, 4, 3)]
    assert data.images.min() == 0


def test_batches_stay_float32_after_a_transform_in_double():
    for x, _ in loader(transform=lambda x, key: x.astype(float)):
        assert x.dtype == np.float32


def test_arrays_move_to_the_device_in_the_callers_thread():
    moved = []

    class Device(backend.CPU):
        def asarray(self, array, dtype=None):
            moved.append((threading.current_thread(), array.dtype.name))
            return super().asarray(array, dtype)

    list(DataLoader(numbered(4), 2, device=Device()))
    assert moved == [(threading.current_thread(), "float32"), (threading.current_thread(), "int64")] * 2


def test_error_of_the_device_stops_the_thread_while_its_traceback_is_held():
    class Full(backend.CPU):
        def asarray(self, array, dtype=None):
            raise MemoryError("device is full")

    with pytest.raises(MemoryError, match="device is full") as held:
        next(DataLoader(numbered(100), 1, device=Full()).epoch(0))
    assert loader_threads() == [] and held.tb is not None


def test_cupy_batches_equal_numpy_batches():
    cupy = pytest.importorskip("cupy")
    if not cupy.cuda.is_available():
        pytest.skip("CuPy finds no GPU")
    on_gpu = DataLoader(numbered(10), 3, shuffle=True, device="cuda")
    for (x, y), (x_gpu, y_gpu) in zip(loader(shuffle=True), on_gpu, strict=True):
        assert isinstance(x_gpu, cupy.ndarray) and isinstance(y_gpu, cupy.ndarray)
        np.testing.assert_array_equal(cupy.asnumpy(x_gpu), x)
        np.testing.assert_array_equal(cupy.asnumpy(y_gpu), y)


# ---- wrong arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size to be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size to be a whole number of at least 1, got 2.5"),
        ({"seed": -1}, "seed to be a whole number of at least 0, got -1"),
        ({"prefetch": -1}, "prefetch to be a whole number of at least 0, got -1"),
        ({"batch_size": 11, "drop_last": True}, "at least one batch, got 10 samples for batch_size 11"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(numbered(10), **{"batch_size": 3, "device": "cpu", **settings})


@pytest.mark.parametrize(("epoch", "start"), [(-1, 0), (0, -1), (0, 5), (0, 1.5)])
def test_wrong_place_to_resume_is_refused_at_once(epoch, start):
    with pytest.raises(ValueError, match="DataLoader: expected"):
        loader().epoch(epoch, start)


# ---- shards: one part of each batch for each rank ---------------------------------------------------------------


@pytest.mark.parametrize(("n", "batch_size", "ranks"), [(10, 4, 2), (10, 4, 3), (9, 4, 3), (5, 5, 1)])
def test_shards_make_the_whole_batches_together_with_what_the_transform_drew_for_them(n, batch_size, ranks):
    def noise(x, key):
        return x + np.random.default_rng([*key, 1]).random(x.shape, np.float32)

    def make(shard):
        return loader(n, batch_size, shuffle=True, seed=3, transform=noise, shard=shard)

    whole, parts = make((0, 1)), [make((rank, ranks)) for rank in range(ranks)]
    assert {len(part) for part in parts} == {len(whole)}
    for (x, y), *shares in zip(whole.epoch(1), *(part.epoch(1) for part in parts), strict=True):
        np.testing.assert_array_equal(np.concatenate([share for share, _ in shares], axis=2), x)
        np.testing.assert_array_equal(np.concatenate([share for _, share in shares]), y)
        sizes = [len(share) for _, share in shares]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0, 0), (0.5, 2)])
def test_a_shard_that_is_no_part_is_refused(shard):
    with pytest.raises(ValueError, match="shard"):
        loader(shard=shard)
