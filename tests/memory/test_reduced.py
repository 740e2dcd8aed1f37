"""What the stores of reduced values share: what they keep exactly, how they draw, and what they give away."""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.memory.quantised import QuantStore
from specframe.memory.reduced import SMALL
from specframe.saving import STORES, get_store
from specframe.saving.registry import names
from tests.saving.test_formats import assert_bit_equal, with_zeros

LOSSY = [name for name in names() if not get_store(name).lossless]
REDUCED = [*LOSSY, "topk:1.0:int8", "topk:0.01:int2", "dct:energy=0.5:int4", "offload:quant8", "offload:dct"]


def pack(name, array, **how):
    store = get_store(name)
    handle = store.pack(array, **how)
    store.flush()
    return handle


def test_the_lossy_stores_are_these():
    assert LOSSY == ["mask16", "mask8", "mask4", "quant8", "quant4", "quant2", "topk", "dct"]
    assert list(STORES)[:4] == ["dense", "csr", "mask", "auto"]


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("dtype", "? b B h H i I q Q e".split())
def test_integers_booleans_and_half_precision_come_back_exactly(be, name, dtype):
    array = (np.arange(5 * 6 * 40 * 4) % 251).astype(dtype).reshape(5, 6, 40, 4)
    for how in ({}, {"exact_zeros": True}):
        assert_bit_equal(pack(name, be.asarray(array), **how).dense(), array)


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("dtype", [">f4", ">f8", ">c8", ">i8", "g", "G"])
def test_other_byte_orders_and_long_doubles_come_back_exactly(name, dtype):
    array = np.linspace(-3, 3, 4000).astype(dtype).reshape(40, 100)
    back = pack(name, array).dense()
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("shape", [(), (0,), (0, 40, 3, 2), (1,), (SMALL - 1,), (1, 1, 1, 1)])
def test_small_arrays_come_back_exactly(be, name, shape):
    array = np.asarray(np.random.default_rng(0).standard_normal(shape), np.float32)
    handle = pack(name, be.asarray(array))
    assert handle.format == "dense"
    assert_bit_equal(handle.dense(), array)


@pytest.mark.parametrize("name", REDUCED)
def test_an_array_of_1024_entries_is_reduced(be, name):
    array = np.random.default_rng(0).standard_normal((32, 32)).astype(np.float32)
    handle = pack(name, be.asarray(array))
    assert handle.format != "dense" and handle.nbytes + handle.moved < array.nbytes
    assert (to_host(handle.dense()) != array).any()


@pytest.mark.parametrize("name", [*STORES, *REDUCED])
def test_factors_that_are_whole_numbers_give_the_right_gradient(be, name):
    w, n = sf.Tensor(be.asarray(np.ones(2048)), requires_grad=True), sf.Tensor(be.asarray(np.arange(2048)))
    with sf.Tape(store=name) as tape:
        y = ops.sum(w * (n * 2))
    tape.backward(y)
    np.testing.assert_array_equal(to_host(w.grad), 2 * np.arange(2048))


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_what_is_not_finite_is_never_a_number_again(be, name, bad, dtype):
    for shape in ((64, 100), (10, 10, 16, 4)):
        array = with_zeros(0, shape, 0.5, 1.0, dtype)
        array.reshape(-1)[[0, 4321]] = bad
        for how in ({}, {"exact_zeros": True}):
            back = to_host(pack(name, be.asarray(array), **how).dense())
            assert not np.isfinite(back.reshape(-1)[[0, 4321]]).any()


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("size", ["max", "1e38", "tiny", "smallest_subnormal"])
def test_entries_at_the_ends_of_the_range_stay_finite(be, name, dtype, size):
    real = np.dtype(np.dtype(dtype).char.lower())
    size = real.type(getattr(np.finfo(real), size, size))
    for shape in ((64, 200), (10, 10, 16, 8)):
        signs = np.sign(with_zeros(1, shape, 0.5, 1.0, real)) * size
        back = to_host(pack(name, be.asarray(signs.view(dtype))).dense()).view(real)
        assert np.isfinite(back).all()
        assert np.abs(back / 4).max() <= max(size, np.finfo(real).tiny)


def test_exact_values_of_a_whole_array_are_the_array_itself_and_not_given_away(be):
    """The store keeps what its caller holds: an op that builds its gradient there would change it."""
    array = be.asarray(np.random.default_rng(0).standard_normal((64, 120)))
    for handle in (QuantStore("exact").pack(array), pack("dct:0.5:exact", array)):
        given, owned = handle.writable()
        assert handle.format == "dense" and given is array and not owned
