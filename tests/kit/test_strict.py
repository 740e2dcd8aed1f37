"""The strict stand-in for CuPy refuses, counts and returns what CuPy would."""

import copy
import gc
import weakref

import numpy as np
import pytest
import scipy.fft
import scipy.special

from specframe import backend
from tests.kit import costs
from tests.kit.strict import STRICT, StrictArray, count_waits

xp = STRICT.xp


def strict(values, dtype=np.float32):
    return xp.asarray(np.asarray(values, dtype))


@pytest.fixture
def a(rng):
    return xp.asarray(rng.standard_normal((3, 4)).astype(np.float32))


@pytest.fixture
def host(rng):
    return rng.standard_normal((3, 4)).astype(np.float32)


# ---- refuses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mix",
    [
        lambda a, n: a + n,
        lambda a, n: n + a,
        lambda a, n: n @ a.T,
        lambda a, n: a == n,
        lambda a, n: np.add(a, n),
        lambda a, n: np.add(n, 1, out=a),
        lambda a, n: xp.add(a, n),
        lambda a, n: xp.matmul(a, n.T),
        lambda a, n: xp.where(n > 0, a, 0),
        lambda a, n: xp.concatenate([a, n]),
        lambda a, n: xp.sum(n),
        lambda a, n: xp.exp(np.array(1.0)),
        lambda a, n: a[np.array([0, 1])],
        lambda a, n: a.__setitem__(0, n[0]),
        lambda a, n: a.__iadd__(n),
        lambda a, n: a.fill(np.zeros(())),
        lambda a, n: setattr(a, "real", n),
        lambda a, n: STRICT.fft.rfft2(n),
        lambda a, n: STRICT.sparse.csr_array((n[0], np.arange(4), np.array([0, 4]))),
    ],
)
def test_mixing_with_a_numpy_array_is_refused(a, host, mix):
    with pytest.raises(TypeError, match="implicit mixing"):
        mix(a, host)


@pytest.mark.parametrize(
    "convert", [np.asarray, np.sum, np.fft.rfft, lambda a: np.concatenate([a, a]), lambda a: np.zeros(3).__iadd__(a[0])]
)
def test_nothing_of_numpy_takes_a_device_array_by_stealth(a, convert):
    if convert is np.sum:
        assert isinstance(np.sum(a), StrictArray)  # NumPy calls a.sum(): stays on the device, as in CuPy
        return
    with pytest.raises(TypeError):
        convert(a)


def test_ufuncs_of_numpy_run_on_the_device_but_those_of_scipy_do_not(a):
    assert isinstance(np.tanh(a), StrictArray)
    with pytest.raises(TypeError, match=r"CuPy has no expit"):
        scipy.special.expit(a)
    with pytest.raises(TypeError, match=r"CuPy has no add\.reduce"):
        np.add.reduce(a)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: xp.sum(a, where=a > 0),
        lambda a: a.max(initial=0),
        lambda a: xp.add(a, 1, where=a > 0),
        lambda a: xp.unpackbits(xp.packbits(a > 0), count=5),
        lambda a: xp.take(a, 1, mode="clip"),
        lambda a: STRICT.fft.rfft2(a, workers=2),
        lambda a: xp.sum([1, 2]),
        lambda a: xp.multiply(a, [1, 2, 3, 4]),
        lambda a: range(a[0, 0].astype(int)),  # no __index__
        lambda a: a.astype(object),
        lambda a: xp.partition(a, np.int64(1)),
    ],
)
def test_what_cupy_cannot_do_is_a_type_error(a, call):
    with pytest.raises(TypeError):
        call(a)


@pytest.mark.parametrize("name", ["errstate", "block", "vecdot", "random", "fft", "no_such_function"])
def test_names_that_cupy_lacks_are_missing(name):
    with pytest.raises(AttributeError):
        getattr(xp, name)


def test_attributes_that_cupy_lacks_are_missing(a):
    for name in ("ctypes", "setflags", "__array_interface__", "__index__"):
        assert not hasattr(a, name)
    assert not hasattr(a.flags, "writeable")


# ---- counts waits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        lambda a: float(a.sum()),
        lambda a: int(a.sum()),
        lambda a: complex(a.sum()),
        lambda a: bool(a[0, 0] > 0),
        lambda a: a.sum().item(),
        lambda a: a.tolist(),
        lambda a: f"{a.sum():.3f}",
        lambda a: a[a > 0],
        lambda a: a.__setitem__(a > 0, 0),
        lambda a: xp.nonzero(a),
        lambda a: a.nonzero(),
        lambda a: xp.where(a > 0),
        lambda a: xp.unique(a),
        lambda a: STRICT.to_host(a),
        lambda a: STRICT.synchronize(),
        lambda a: STRICT.sparse.csr_array(a),
    ],
)
def test_every_read_by_the_host_is_counted_once(a, read):
    with count_waits() as waits:
        read(a)
    assert waits() == 1


def test_work_that_stays_on_the_device_does_not_wait(a):
    with count_waits() as waits:
        b = (xp.tanh(a) * 2 - a.sum(axis=0)).reshape(2, 6).copy()
        b[0, :3] = 1.5
        b += xp.where(b > 0, b, np.float32(0))
        index = xp.argmax(a, axis=1)
        xp.take_along_axis(a, index[:, None], 1)
        STRICT.irfft2(STRICT.rfft2(a, (4, 5), "ortho"), (4, 5), "ortho")
        STRICT.expand(STRICT.compress(a, a > -10, 12), a > -10)
        assert b.shape == (2, 6) and len(b) == 2 and b.nbytes == 48
    assert waits() == 0


# ---- returns what CuPy returns ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        lambda a: a.sum(),
        lambda a: xp.max(a),
        lambda a: a[1, 2],
        lambda a: a.argmax(),
        lambda a: xp.sqrt(2.0),
        lambda a: xp.allclose(a, a),
        lambda a: xp.count_nonzero(a),
        lambda a: xp.vdot(a, a),
        lambda a: xp.linalg.norm(a),
    ],
)
def test_reductions_and_entries_are_zero_dimensional_arrays(a, result):
    assert isinstance(result(a), StrictArray) and result(a).shape == ()


def test_results_equal_numpy(a):
    n = STRICT.to_host(a)
    for device, expected in [
        (1 - a / 2, 1 - n / 2),
        (a @ a.T, n @ n.T),
        (abs(a) ** 2 >= 1, abs(n) ** 2 >= 1),
        (~(a > 0) & (a < 1), ~(n > 0) & (n < 1)),
        (a[xp.asarray([2, 0])], n[[2, 0]]),
        (a[:, ::-1].swapaxes(0, 1).mean(axis=1), n[:, ::-1].T.mean(axis=1)),
        (a.clip(0, 1).cumsum(axis=1), n.clip(0, 1).cumsum(axis=1)),
        (a.var(axis=0), n.var(axis=0)),
        (xp.stack([a, a]), np.stack([n, n])),
        (STRICT.fft.rfft2(a, s=(5, 6), norm="ortho"), scipy.fft.rfft2(n, s=(5, 6), norm="ortho")),
    ]:
        assert device.dtype == expected.dtype
        np.testing.assert_array_equal(STRICT.to_host(device), expected)


def test_writes_go_through_views():
    z = strict(np.zeros((2, 2)), np.complex64)
    z.real[...] = 1.0
    z.imag[0] = strict([2, 3])
    z[1, 1] = 5
    np.testing.assert_array_equal(STRICT.to_host(z), [[1 + 2j, 1 + 3j], [1, 5]])
    assert z.real.base is z and z[0, 0].base is z and z.T[0].base is z and z.base is None and z.copy().base is None


def test_out_and_in_place_return_the_very_array(a):
    alias = a
    a += 1
    assert a is alias and xp.multiply(a, 2, out=a) is a and xp.conj(a, out=a) is a and np.exp(a, out=a) is a
    assert a.astype(np.float32, copy=False) is a and xp.asarray(a) is a


def test_a_transfer_copies_both_ways(host):
    a = STRICT.asarray(host)
    back = STRICT.to_host(a)
    a += 1
    assert not np.shares_memory(back, host) and (back == host).all()


def test_a_view_keeps_its_base_alive_and_nothing_else_does(a):
    base = weakref.ref(b := a * 1)
    view = b[0]
    del b
    assert base() is view.base
    del view
    gc.collect()
    assert base() is None


def test_copies_are_independent(a):
    for duplicate in (copy.copy(a), copy.deepcopy(a), a.copy()):
        duplicate.fill(0)
    assert float(abs(a).sum()) > 0


def test_fresh_memory_is_garbage():
    assert bool(xp.isnan(xp.empty((2, 3), np.complex64)).all()) and int(xp.empty(1, np.int32)[0]) != 0


def test_indices_beyond_the_end_wrap():
    a = strict(np.arange(12).reshape(3, 4))
    assert a[strict([3, -1], int)].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert a[strict([0, 4], int), strict([5, 1], int)].tolist() == [1, 5]
    a[strict([4], int)] = 0
    assert a[1].tolist() == [0, 0, 0, 0]


def test_a_nan_may_come_first_in_a_partition():
    assert np.isnan(xp.partition(strict([1, np.nan, 0, 2]), 1).tolist()[0])


def test_of_several_entries_scattered_to_one_place_any_wins():
    won = set()
    for _ in range(40):
        a = strict([0, 0])
        a[strict([1, 1, 1], int)] = strict([1, 2, 3])
        won.add(a.tolist()[1])
    assert won == {1, 2, 3}


# ---- counts launches, copies and uploads -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "launches", "copies", "uploads"),
    [
        (lambda a: a[1:].T.real, 0, 0, 0),
        (lambda a: a + 1, 1, 0, 0),
        (lambda a: a.__iadd__(1), 1, 0, 0),
        (lambda a: a.T.reshape(12), 1, 1, 0),
        (lambda a: a.reshape(12), 0, 0, 0),
        (lambda a: xp.ascontiguousarray(a), 0, 0, 0),
        (lambda a: a.astype(np.float64), 1, 1, 0),
        (lambda a: a @ a.T, 1, 0, 0),  # cuBLAS reads a transposed matrix
        (lambda a: a.reshape(3, 2, 2) @ a.reshape(3, 2, 2).swapaxes(1, 2), 2, 1, 0),  # but no stack of them
        (lambda a: a.reshape(3, 2, 2) @ a[0].reshape(2, 2), 1, 0, 1),  # pointers to one matrix, three times
        (lambda a: xp.where(a > 0, a, 0), 2, 0, 0),
        (lambda a: xp.asarray(np.ones(3)), 0, 0, 1),
        (lambda a: STRICT.from_pinned(np.ones(3)), 0, 0, 1),
        (lambda a: a.__setitem__(0, 1), 1, 0, 0),
        (lambda a: a.__setitem__(0, a[1]), 1, 1, 0),
        (lambda a: a[strict([0, 2], int)], 1, 0, 1),
        (lambda a: STRICT.fft.rfft2(a), 1, 0, 0),
        (lambda a: STRICT.fft.rfft2(a, s=(4, 5), norm="ortho"), 4, 1, 0),
        (lambda a: STRICT.fft.irfft2(a + 0j, overwrite_x=True), 3, 0, 0),  # the sum, the transform, a factor
        (lambda a: STRICT.fft.irfft2(a + 0j), 4, 1, 0),  # its input copied
        (lambda a: STRICT.matmul(a, a, adjoint_a=True), 1, 0, 0),
    ],
)
def test_work_is_counted_as_cupy_does_it(a, work, launches, copies, uploads):
    with costs.count() as counted:
        work(a)
    assert (counted.launches, counted.copies, counted.uploads, counted.waits) == (launches, copies, uploads, 0)


@pytest.mark.parametrize(
    ("work", "blocks"),
    [
        (lambda a: a + a, [4096]),
        (lambda a: a[1:].T, []),
        (lambda a: a @ a.T, [4096]),
        (lambda a: xp.matmul(a, a, out=a), []),
        (lambda a: a.reshape(8, 8, 16).swapaxes(1, 2) @ a.reshape(8, 8, 16), [4096, 8192]),  # a copy of the first
        (lambda a: a.reshape(8, 8, 16) @ a.reshape(8, 8, 16).swapaxes(1, 2), [4096, 2048]),
        (lambda a: STRICT.fft.rfft2(a[:, :31], s=(32, 32)), [4096, 4608]),  # a padded copy
        (lambda a: STRICT.fft.rfft2(a, s=(32, 32)), [4608]),
        (lambda a: STRICT.fft.irfft2(a.view(np.complex64), s=(32, 30)), [4096, 4096]),
    ],
)
def test_the_pool_holds_what_a_call_makes_beside_its_result(work, blocks):
    a = strict(np.zeros((32, 32)))
    with STRICT.peak_memory() as peak:
        work(a)
    assert peak.nbytes == sum(blocks)


def test_adding_to_a_view_in_place_copies_nothing_twice(a):
    with costs.count() as counted:
        a[0] += 1
    assert (counted.launches, counted.copies) == (1, 0)


# ---- FFT and sparse --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [(4, 6), (5, 6), (4, 5), (1, 2), (2, 1), (3, 3)])
def test_the_raw_inverse_fft_agrees_with_scipy_on_hermitian_spectra_only(rng, grid):
    Z = scipy.fft.rfft2(rng.standard_normal(grid))
    np.testing.assert_allclose(STRICT.fft.irfft2(xp.asarray(Z), s=grid).get(), scipy.fft.irfft2(Z, s=grid), atol=1e-12)
    Z = rng.standard_normal(Z.shape) + 1j * rng.standard_normal(Z.shape)
    if grid[0] > 2:
        assert not np.allclose(STRICT.fft.irfft2(xp.asarray(Z), s=grid).get(), scipy.fft.irfft2(Z, s=grid))


def test_the_inverse_fft_may_destroy_its_input(rng):
    Z = xp.asarray(scipy.fft.rfft2(rng.standard_normal((4, 4))))
    STRICT.fft.irfft2(Z, s=(4, 4), overwrite_x=True)
    assert bool(xp.isnan(Z).all())


def test_sparse_arrays_give_and_take_device_arrays():
    dense = strict([[0, 1j, 0], [2, 0, 0]], np.complex64)
    packed = STRICT.sparse.csr_array(dense)
    again = STRICT.sparse.csr_array((packed.data, packed.indices, packed.indptr), shape=packed.shape)
    assert packed.nnz == 2 and all(isinstance(x, StrictArray) for x in (again.data, again.indices, again.indptr))
    assert bool((again.toarray() == dense).all()) and bool((again @ dense.T == dense @ dense.T).all())
    with pytest.raises(ValueError, match="int32"):
        STRICT.sparse.csr_array(dense.real.astype(np.int32))


# ---- as a backend ----------------------------------------------------------------------------------------------


def test_strict_is_a_backend_of_its_own(a, host):
    assert backend.of("relu", a, a[0]) is STRICT and backend.get(STRICT) is STRICT
    with pytest.raises(TypeError, match=r"relu.*strict.*cpu"):
        backend.of("relu", a, host)
