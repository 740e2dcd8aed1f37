"""offload: what auto packs, out of memory until somebody asks; the file it is in, and copies from a device."""

import contextlib
import os
import subprocess
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import specframe as sf
from specframe import backend, ops
from specframe.backend import to_host
from specframe.memory.offload import IN_FLIGHT, SMALL, OffloadStore
from specframe.models import LeNet5, SpecLeNet5
from specframe.saving import AutoStore, ByOp, DenseStore, MaskStore, get_store
from tests.kit.strict import STRICT, count_waits
from tests.memory.test_scratch import Full

LOSSLESS = ["auto", "dense", "csr", "mask"]
LOSSY = ["mask8", "mask16", "quant4", "topk:0.1", "dct:0.1:int8"]
DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
SHAPES = [(SMALL,), (40, 50), (7, 8, 9, 10), (8, 5, 32, 1)]


def scattered(rng, shape, density, dtype=np.float32):
    array = rng.standard_normal(shape).astype(dtype)
    if array.dtype.kind == "c":
        array += 1j * rng.standard_normal(shape).astype(array.real.dtype)
    array[rng.random(shape) >= density] = 0
    array[: shape[0] // 3] = 0  # rows without any entry
    return array


def pack(store, array):
    handle = store.pack(array)
    store.flush()
    return handle


def assert_bit_equal(one, other):
    one, other = to_host(one), to_host(other)
    assert (one.shape, one.dtype) == (other.shape, other.dtype)
    assert one.tobytes() == other.tobytes()


def size_of_file(store):
    return os.fstat(store._scratch.file.fileno()).st_size


# ---- what comes back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", LOSSLESS + LOSSY)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("density", [0.0, 0.01, 0.4, 1.0])
def test_every_answer_is_that_of_the_inner_format(be, rng, inner, dtype, density):
    for shape in SHAPES:
        array = be.asarray(scattered(rng, shape, density, dtype))
        plain, away = pack(get_store(inner), array), pack(OffloadStore(get_store(inner)), array)
        assert (away.shape, away.dtype, away.density) == (plain.shape, plain.dtype, plain.density)
        assert away.format == f"offload {plain.format}"
        assert away.nbytes == 0 and away.moved == plain.nbytes
        for _ in range(2):
            assert_bit_equal(away.dense(), array if inner in LOSSLESS else plain.dense())
            assert_bit_equal(away.sparse().values, plain.sparse().values)
            assert_bit_equal(away.sparse().support, plain.sparse().support)


def test_small_and_empty_arrays_stay(be):
    for shape in [(SMALL - 1,), (), (0,), (0, 3)]:
        handle = pack(OffloadStore(DenseStore()), be.xp.ones(shape))
        assert handle.format == "dense" and handle.moved == 0


@pytest.mark.parametrize("axes", [(2, 3, 0, 1), (3, 2, 1, 0), (1, 2, 0, 3), (3, 0, 1, 2)])
def test_the_order_of_axes_in_memory_survives(be, rng, axes):
    array = be.asarray(rng.standard_normal((4, 5, 16, 8))).transpose(axes)
    back = pack(OffloadStore(DenseStore()), array).dense()
    assert back.strides == array.strides
    assert_bit_equal(back, array)


def test_views_come_back_as_they_read(be, rng):
    larger = be.asarray(rng.standard_normal((64, 70)))
    for view in (larger[::2], larger[:, 3:40], larger[::-1], larger[:, ::-1].T):
        handle = pack(OffloadStore(DenseStore()), view)
        assert handle.moved == view.nbytes
        assert_bit_equal(handle.dense(), view)


def test_what_comes_back_is_a_new_array_each_time(be):
    handle = pack(OffloadStore(), be.xp.ones(SMALL))
    handle.dense()[:] = 5.0
    assert_bit_equal(handle.dense(), np.ones(SMALL))


@pytest.mark.parametrize("net", [LeNet5, SpecLeNet5])
def test_gradients_are_those_of_auto_bit_by_bit(net, rng):
    x, labels = rng.standard_normal((28, 28, 4, 1)).astype(np.float32), np.arange(4)

    def gradients(store):
        model = net(seed=1)
        with sf.Tape(store) as tape:
            loss = ops.softmax_cross_entropy(model(sf.Tensor(x)), labels)
        tape.backward(loss)
        return [p.grad for p in model.parameters()], tape.ledger

    (plain, kept), (away, moved) = gradients("auto"), gradients(OffloadStore())
    for one, other in zip(plain, away, strict=True):
        assert_bit_equal(one, other)
    values = [row for row in moved.rows if row.format.startswith("offload")]
    assert values and moved.moved == sum(row.moved for row in values)
    assert moved.moved + moved.nbytes == kept.nbytes


# ---- memory ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", LOSSLESS)
def test_no_buffer_stays_alive(be, rng, inner):
    store, array = OffloadStore(get_store(inner)), be.asarray(scattered(rng, (40, 50), 0.3))
    expected, alive = to_host(array).copy(), weakref.ref(array)
    handle = store.pack(array)
    del array
    store.flush()
    assert alive() is None
    assert_bit_equal(handle.dense(), expected)


@pytest.mark.parametrize("inner", LOSSLESS + LOSSY)
def test_nothing_is_left_in_memory(rng, inner):
    arrays = [scattered(rng, (64, 64, 8, 4), density) for density in (1.0, 0.5)]
    store = OffloadStore(get_store(inner))
    pack(store, arrays[0])  # imports, caches, the file
    tracemalloc.start()
    handles = [pack(store, array * 2) for array in arrays]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(handle.nbytes for handle in handles) == 0
    assert held < 16 << 10 < sum(handle.moved for handle in handles)


def test_reading_back_takes_the_memory_of_the_array_and_no_more(rng):
    handle = pack(OffloadStore(DenseStore()), rng.standard_normal(1 << 17))
    with backend.get("cpu").peak_memory() as peak:
        handle.dense()
    assert peak.nbytes < (1 << 20) + (16 << 10)


def test_writing_takes_no_memory(rng):
    store, array = OffloadStore(DenseStore()), rng.standard_normal((1 << 9, 1 << 8)).T
    with backend.get("cpu").peak_memory() as peak:
        pack(store, array)
    assert peak.nbytes < 16 << 10


# ---- the file, processes and threads --------------------------------------------------------------------------


def test_the_file_is_made_when_needed_has_no_name_and_is_closed_with_its_last_user(tmp_path):
    store = OffloadStore(DenseStore(), tmp_path)
    pack(store, np.ones(SMALL - 1))
    assert "file" not in vars(store._scratch)
    handle = pack(store, np.ones(SMALL))
    file = store._scratch.file
    assert list(tmp_path.iterdir()) == []
    del store
    assert_bit_equal(handle.dense(), np.ones(SMALL))  # a handle keeps the file
    assert not file.closed
    del handle
    assert file.closed


def test_the_space_of_a_forward_that_failed_is_free(rng):
    x, store = sf.Tensor(rng.standard_normal((40, 50)), requires_grad=True), OffloadStore()
    with contextlib.suppress(ZeroDivisionError), sf.Tape(store):
        ops.tanh(x)
        assert size_of_file(store) == 40 * 50 * 8
        raise ZeroDivisionError
    assert size_of_file(store) == 0


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(rng, tmp_path):
    store, array = OffloadStore(MaskStore(), tmp_path), scattered(rng, (40, 50), 0.9)
    before = pack(store, array)
    file = store._scratch.file
    for room in (100, before.moved - 50):  # in the midst of the values; after them, in the bits
        store._scratch.file = Full(file, room)
        with pytest.raises(OSError, match=r"^\[Errno 28\] offload: cannot write [\d,]+ bytes to .*: No space"):
            store.pack(array)
        store.discard()
        assert size_of_file(store) == before.moved
        assert_bit_equal(before.dense(), array)
    store._scratch.file = file
    assert_bit_equal(pack(store, array).dense(), array)


def test_a_directory_that_does_not_exist_is_named(tmp_path):
    store = OffloadStore(directory=tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match=r"offload: cannot write 8,192 bytes to a file in .*missing: No such"):
        store.pack(np.ones(SMALL))


FORKED = """
import os, sys
import numpy as np
import specframe as sf
from specframe import ops

x = sf.Tensor(np.linspace(-1, 1, 4000), requires_grad=True)
store = sf.memory.OffloadStore()

def forward():
    tape = sf.Tape(store)
    with tape:
        return tape, ops.sum(ops.tanh(x * 2))

def assert_right():
    np.testing.assert_allclose(x.grad, 2 - 2 * np.tanh(2 * x.data) ** 2, atol=1e-12)

tape, y = forward()
child = os.fork()
if child == 0:
    try:
        tape.backward(y)
    except RuntimeError as error:
        assert "forked from it" in str(error) and x.grad is None
        tape, y = forward()  # of its own
        tape.backward(y)
        assert_right()
        sys.exit(0)
    sys.exit("was not refused")
other, z = forward()  # while the child works
_, status = os.waitpid(child, 0)
tape.backward(y)
assert_right()
x.grad = None
other.backward(z)
assert_right()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_after_a_fork_the_parent_is_right_and_the_child_is_refused_but_for_a_forward_of_its_own():
    for _ in range(3):
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("inner", ["dense", "mask", "auto"])
def test_threads_may_share_a_store(rng, inner):
    store, x = OffloadStore(get_store(inner)), rng.standard_normal((4, 40, 50))
    wrong = []

    def work(x):
        for _ in range(20):
            leaf = sf.Tensor(x, requires_grad=True)
            with sf.Tape(store) as tape:
                y = ops.sum(ops.relu(ops.tanh(leaf)) * ops.tanh(leaf))
            tape.backward(y)
            t = np.tanh(x)
            wrong.append(np.abs(leaf.grad - np.where(t > 0, 2 * t, 0) * (1 - t * t)).max())

    threads = [threading.Thread(target=work, args=(part,)) for part in x]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 80 and max(wrong) < 1e-12 and size_of_file(store) == 0


# ---- a device --------------------------------------------------------------------------------------------------


def test_copies_run_beside_the_device_and_few_arrays_wait_for_them(rng):
    store = OffloadStore(DenseStore())
    arrays = [STRICT.asarray(rng.standard_normal(SMALL)) for _ in range(6)]
    expected, alive = [to_host(array).copy() for array in arrays], [weakref.ref(array) for array in arrays]
    handles, waiting = [], []
    with count_waits() as waits:
        while arrays:
            handles.append(store.pack(arrays.pop(0)))
            waiting.append(sum(ref() is not None for ref in alive) - len(arrays))
        assert waiting == [1] + [IN_FLIGHT] * 5
        assert_bit_equal_later = handles[-1].dense()  # asks before its copy was waited for
        store.flush()
        assert waits() == 0
    assert all(ref() is None for ref in alive)
    assert_bit_equal(assert_bit_equal_later, expected[-1])
    for handle, array in zip(handles, expected, strict=True):
        assert_bit_equal(handle.dense(), array)


def test_an_array_whose_count_is_on_its_way_stays_until_it_has_come(rng):
    store, array = OffloadStore(), STRICT.asarray(scattered(rng, (40, 50), 0.3))
    handle = store.pack(array)
    assert handle.moved == 0 and handle.nbytes == array.nbytes and handle.format == "offload dense"
    assert handle.dense() is array
    store.flush()
    assert handle.format == "offload mask" and handle.nbytes == 0 and handle.moved < array.nbytes


def test_discard_forgets_what_waits(rng):
    store, array = OffloadStore(), STRICT.asarray(scattered(rng, (40, 50), 0.3))
    alive = weakref.ref(array)
    store.pack(array)
    del array
    store.discard()
    assert alive() is None


# ---- settings --------------------------------------------------------------------------------------------------


def test_calls_go_through_to_the_inner_store(monkeypatch):
    inner, calls = AutoStore(), []
    monkeypatch.setattr(inner, "begin", lambda key: calls.append(key))
    monkeypatch.setattr(inner, "lossless", False)
    store = OffloadStore(inner)
    store.begin((3, 1))
    assert calls == [(3, 1)] and not store.lossless and OffloadStore().lossless


def test_a_choice_by_op_is_refused():
    with pytest.raises(ValueError, match=r"^offload: cannot choose by op; choose it for ops instead"):
        OffloadStore(ByOp({}, AutoStore()))
