"""auto: the smallest format for each array, and on an asynchronous device one wait for many counts."""

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.saving import AutoStore, Sparse, auto, get_store
from tests.kit.strict import STRICT, count_waits


def scattered(shape, density, dtype=np.complex64, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random(shape) < density).astype(dtype)


def in_full_rows(shape, density, dtype=np.complex64, seed=0):
    """A share of the frequencies is full, the others empty: what a threshold leaves of a batch of spectra."""
    rows = np.random.default_rng(seed).random(shape[:2]) < density
    return np.broadcast_to(rows[:, :, None, None], shape).astype(dtype)


def pack(name, array, sparse=None):
    store = get_store(name)
    handle = store.pack(array, sparse)
    store.flush()
    return handle


def smallest_of_all(array, sparse=None):
    return min(pack(name, array, sparse).nbytes for name in ("dense", "csr", "mask"))


SPECTRUM = (20, 11, 8, 6)


@pytest.mark.parametrize(
    ("array", "form"),
    [
        (scattered(SPECTRUM, 1.0), "dense"),
        (scattered(SPECTRUM, 0.3), "mask"),
        (scattered((20, 11, 64, 16), 0.002), "csr"),  # an entry or two at every frequency
        (scattered(SPECTRUM, 0.002), "mask"),  # most frequencies are empty
        (in_full_rows(SPECTRUM, 0.2), "mask"),
        (np.zeros(SPECTRUM, np.complex64), "mask"),
    ],
    ids=["full", "a third", "a few everywhere", "a few in all", "few frequencies", "nothing"],
)
def test_auto_takes_the_smallest_format(array, form):
    handle = pack("auto", array)
    assert handle.format == form
    assert handle.nbytes == smallest_of_all(array)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        *((scattered, shape) for shape in (SPECTRUM, (64, 48), (30, 20, 1, 1), (5, 4, 40, 10), (97,))),
        *((in_full_rows, shape) for shape in (SPECTRUM, (30, 20, 1, 1), (5, 4, 40, 10))),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_auto_is_as_small_as_the_smallest_at_every_density(be, make, shape, dtype):
    for density in (0.0, 0.003, 0.02, 0.05, 0.2, 0.6, 0.95, 0.99, 1.0):
        array = be.asarray(make(shape, density, dtype))
        assert pack("auto", array).nbytes == smallest_of_all(array), f"density {density}"


def test_where_counting_costs_no_waiting_the_format_is_known_at_once(be):
    handle = AutoStore().pack(be.asarray(np.eye(50)))
    assert (handle.format, handle.settled) == (("dense", False) if be.reading_waits else ("mask", True))


@pytest.mark.parametrize(("zeros", "gathers"), [(0, False), (6, False), (7, True)])
def test_entries_are_gathered_only_where_that_may_save_bytes(monkeypatch, zeros, gathers):
    """An entry costs a bit at least: 7 zeros of 200 float32 are the first to outweigh 193 bits, 25 bytes."""
    asked, array = [], np.ones((10, 20), np.float32)
    array.reshape(-1)[:zeros] = 0
    monkeypatch.setattr(auto.Sparse, "of", lambda *parts, of=Sparse.of: asked.append(1) or of(*parts))
    assert pack("auto", array).nbytes <= array.nbytes
    assert bool(asked) == gathers


def test_of_two_formats_as_small_auto_takes_the_one_that_unpacks_faster(be):
    array = np.zeros((1, 96))
    array[0, 5] = 1
    assert pack("csr", be.asarray(array)).nbytes == pack("mask", be.asarray(array)).nbytes == 20
    assert pack("auto", be.asarray(array)).format == "mask"
    array = np.zeros((1, 97))
    array[0, 5] = 1
    assert pack("auto", be.asarray(array)).format == "csr"
    full = np.zeros((1, 16), np.uint8)
    full[0, :14] = 1
    assert pack("mask", be.asarray(full)).nbytes == full.nbytes == pack("auto", be.asarray(full)).nbytes
    assert pack("auto", be.asarray(full)).format == "dense"


@given(
    seed=st.integers(0, 99),
    shape=st.lists(st.integers(0, 6), min_size=0, max_size=4).map(tuple),
    density=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    gathered=st.booleans(),
    dtype=st.sampled_from([np.float32, np.complex64]),
)
def test_auto_is_never_larger_than_dense(be, seed, shape, density, gathered, dtype):
    array = be.asarray(scattered(shape, density, dtype, seed))
    assert pack("auto", array, Sparse.of(array) if gathered else None).nbytes <= array.nbytes


@pytest.mark.parametrize("dropped", range(0, 40, 4))
def test_auto_is_never_larger_than_dense_when_the_entries_list_every_row(dropped):
    array = np.ones((16, 16, 1, 1), np.float32)
    array.reshape(-1)[:dropped] = 0
    listed = Sparse((16, 16, 1, 1), np.arange(256), array.reshape(256, 1) != 0, array[array != 0], array)
    handle = pack("auto", array, listed)
    assert handle.nbytes <= array.nbytes
    np.testing.assert_array_equal(handle.dense(), array)


# ---- an asynchronous device ------------------------------------------------------------------------------------


def on_strict(density, seed=0):
    return STRICT.asarray(scattered(SPECTRUM, density, seed=seed))


def test_counts_of_several_arrays_are_fetched_in_one_wait():
    arrays = [on_strict(density, seed) for seed, density in enumerate((0.2, 0.3, 1.0))]
    store = AutoStore()
    with count_waits() as waits:
        handles = [store.pack(array) for array in arrays]
        assert waits() == 0
        store.flush()
        assert waits() == 1
        store.flush()  # nothing is left to ask
        assert waits() == 1
    assert [handle.format for handle in handles] == ["mask", "mask", "dense"]


def test_the_host_waits_where_many_bytes_are_held_for_their_counts(monkeypatch):
    monkeypatch.setattr(auto, "AHEAD", 3 * on_strict(0.3).nbytes)
    store = AutoStore()
    with count_waits() as waits:
        handles = [store.pack(on_strict(0.3, seed)) for seed in range(8)]
        assert waits() == 2
    assert {handle.format for handle in handles} == {"mask"}


def test_where_counts_have_arrived_nobody_waits(monkeypatch):
    monkeypatch.setattr(type(STRICT), "late", False)
    store = AutoStore()
    with count_waits() as waits:
        handles = [store.pack(on_strict(0.3, seed)) for seed in range(8)]
        store.flush()
        assert waits() == 0
    assert {handle.format for handle in handles} == {"mask"}


def test_an_array_that_waits_for_its_count_can_be_used():
    array = on_strict(0.3)
    handle = AutoStore().pack(array)
    with count_waits() as waits:
        assert handle.format == "dense" and handle.nbytes == array.nbytes and handle.density is None
        assert handle.dense() is array
        assert waits() == 0
    assert handle.sparse().nnz == np.count_nonzero(to_host(array))


def test_the_dense_array_dies_when_its_count_arrives():
    store, array = AutoStore(), on_strict(0.3)
    expected, alive = to_host(array), weakref.ref(array)
    handle = store.pack(array)
    del array
    assert alive() is not None
    store.flush()
    assert alive() is None
    np.testing.assert_array_equal(to_host(handle.dense()), expected)


def test_entries_that_are_gathered_already_are_packed_at_once():
    array = on_strict(0.3)
    entries = Sparse.of(array)
    with count_waits() as waits:
        handle = AutoStore().pack(array, entries)
        assert waits() == 0
    assert handle.format == "mask"


def test_the_ledger_is_settled_when_the_forward_ends():
    x = sf.Tensor(STRICT.asarray(np.linspace(0.1, 1, 60).reshape(20, 3)), requires_grad=True)
    kept = STRICT.asarray(scattered((20, 3), 0.3, np.float64))
    with count_waits() as waits:
        with sf.Tape(store="auto") as tape:
            a = ops.tanh(x * kept)
            y = ops.sum(ops.tanh(a * kept))
        assert waits() == 1
    rows = [row for row in tape.ledger.rows if row.array == "y"]
    assert [row.format for row in rows] == ["mask", "mask"]
    assert all(row.density == np.count_nonzero(to_host(kept)) / 60 for row in rows)
    tape.backward(y)
