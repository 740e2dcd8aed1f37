"""quant: the whole array in codes, and the mask format where the zeros are decisions."""

import numpy as np
import pytest
from hypothesis import given

from specframe.backend import to_host
from specframe.memory.quantised import QuantStore
from specframe.memory.values import KINDS, sizes
from specframe.saving import Sparse
from tests.kit.strict import STRICT, count_waits
from tests.memory.test_reduced_mask import REDUCED, arrays, assert_consistent, assert_near, layouts
from tests.saving.test_formats import on_device, with_zeros


@pytest.mark.parametrize("kind", REDUCED)
@given(array=arrays, layout=layouts)
def test_the_array_comes_back_near_in_the_bytes_of_its_codes(be, kind, array, layout):
    handle = QuantStore(kind).pack(on_device(be, array, layout))
    assert_near(handle.dense(), array, kind)
    back = to_host(handle.dense())
    assert not back[array == 0].any()
    assert_consistent(be, handle, back != 0)
    if array.size >= 1024:
        assert handle.format == f"quant {kind}"
        assert (handle.bytes.values, handle.bytes.scales) == sizes(kind, array.size, array.dtype)
        assert handle.nbytes == handle.bytes.values + handle.bytes.scales
    else:
        assert handle.format == "dense" and back.tobytes() == array.tobytes()


@pytest.mark.parametrize("kind", REDUCED)
@given(array=arrays)
def test_decisions_are_kept(be, kind, array):
    whole = be.asarray(array)
    for handle in (
        QuantStore(kind).pack(whole, exact_zeros=True),
        QuantStore(kind).pack(whole, Sparse.of(whole)),
    ):
        assert handle.format == (f"mask {kind}" if array.size >= 1024 else "dense")
        assert_near(handle.dense(), array, kind)
        assert_consistent(be, handle, array != 0)


def test_an_array_of_one_entry_that_is_not_zero(be):
    array = np.zeros((16, 9, 5, 4), np.complex64)
    array[3, 2, 1, 0] = 2 - 1j
    for kind in KINDS:
        back = to_host(QuantStore(kind).pack(be.asarray(array)).dense())
        assert np.count_nonzero(back) == 1 and abs(back[3, 2, 1, 0].real - 2) < 1e-6


def test_the_host_waits_for_nothing():
    array = STRICT.asarray(with_zeros(0, (40, 40), 0.5, 1.0, np.float32))
    with count_waits() as waits:
        handle = QuantStore().pack(array)
        handle.dense()
    assert waits() == 0 and handle.density is None


def test_int8_is_what_one_gets_and_settings_are_checked():
    assert QuantStore.name == "quant" and QuantStore().values == "int8"
    assert not QuantStore().lossless and QuantStore("exact").lossless
    with pytest.raises(ValueError, match=r"^store quant: unknown kind of values '8': choose exact, float16, "):
        QuantStore("8")
