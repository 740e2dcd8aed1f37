"""DLPack both ways: the same memory where that can be, the same numbers in any case."""

import numpy as np
import pytest

import specframe as sf
from specframe import backend
from tests.kit.strict import STRICT

WHOLE = np.arange(24.0).reshape(4, 6)
READ_ONLY = WHOLE.copy()
READ_ONLY.flags.writeable = False
FIELD = np.zeros(3, [("a", "f4"), ("b", "f8")])["b"]  # its strides are no multiples of its itemsize
AS_IT_IS = [WHOLE, WHOLE[1::2, ::3], WHOLE.T, WHOLE.astype("complex64"), WHOLE.astype("int32"), np.array(2.0)]
COPIED = [WHOLE[::-1], WHOLE[:, ::-2], READ_ONLY, np.broadcast_to(WHOLE[0], (2, 6)), FIELD]


class Foreign:
    """The array of a library that this one has never heard of."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device

    def __dlpack__(self, **request):
        return self.array.__dlpack__(**request)

    def __dlpack_device__(self):
        return self.device


@pytest.mark.parametrize("array", AS_IT_IS, ids=lambda a: f"{a.shape} {a.dtype} {a.strides}")
def test_out_and_in_on_the_same_memory(array):
    out = np.from_dlpack(sf.Tensor(array))
    back = sf.from_dlpack(Foreign(array))
    assert type(back) is sf.Tensor and back.dtype == array.dtype
    for other in (out, back.data):
        np.testing.assert_array_equal(other, array)
        assert np.shares_memory(other, array)


@pytest.mark.parametrize("array", COPIED, ids=lambda a: f"{a.shape} {a.strides}")
def test_what_others_cannot_hold_goes_out_as_a_copy(array):
    tensor = sf.Tensor(array)
    out = np.from_dlpack(tensor)
    np.testing.assert_array_equal(out, array)
    assert not np.shares_memory(out, array)
    with pytest.raises(BufferError, match=r"^Tensor: read-only, or of strides \(.*\): it cannot go without a copy$"):
        tensor.__dlpack__(copy=False)
    came = sf.from_dlpack(array)
    assert np.shares_memory(came.data, array) or not array.size
    np.testing.assert_array_equal(came.data, array)


def test_a_tensor_comes_in_as_another_one_of_the_same_array():
    x = sf.Tensor(WHOLE.copy(), requires_grad=True)
    y = sf.from_dlpack(x)
    assert y.data is x.data and y.uid != x.uid and not y.requires_grad


def test_an_array_on_a_cuda_device_goes_to_cupy(monkeypatch):
    class CuPy:
        from_dlpack = staticmethod(lambda x: STRICT.xp.asarray(x.array))

    class Device:
        xp = CuPy

    monkeypatch.setattr(backend, "get", {"cuda": Device}.__getitem__)
    assert sf.from_dlpack(Foreign(WHOLE, (2, 1))).backend is STRICT


def test_without_cupy_an_array_on_a_cuda_device_is_refused_as_everywhere(monkeypatch):
    def no(device):
        raise backend.DeviceError(f"device {device!r} needs CuPy")

    monkeypatch.setattr(backend, "get", no)
    with pytest.raises(backend.DeviceError, match=r"^device 'cuda' needs CuPy$"):
        sf.from_dlpack(Foreign(WHOLE, (2, 0)))


@pytest.mark.parametrize(
    ("what", "error", "sentence"),
    [(3.0, TypeError, "from_dlpack: expected an array with __dlpack__, got float"),
     (Foreign(WHOLE, (8, 0)), ValueError, "from_dlpack: the array is on a device of kind 8 .*, expected CPU or CUDA"),
     (Foreign(np.array([True])), TypeError, "Tensor: expected an array of numbers, got dtype bool")],
)  # fmt: skip
def test_what_cannot_come_in_is_named(what, error, sentence):
    with pytest.raises(error, match=f"^{sentence}$"):
        sf.from_dlpack(what)


# ---- with PyTorch ------------------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")


@pytest.mark.parametrize("array", AS_IT_IS + COPIED, ids=lambda a: f"{a.shape} {a.dtype} {a.strides}")
def test_pytorch_takes_any_tensor(torch, array):
    np.testing.assert_array_equal(torch.from_dlpack(sf.Tensor(array)).numpy(), array)


def test_any_tensor_of_pytorch_comes_in_and_shares_its_memory(torch):
    x = torch.arange(24.0).reshape(4, 6)
    for view in (x, x[::2, ::3], x.T, x.expand(2, 4, 6), x.to(torch.complex128), x.long()):
        y = sf.from_dlpack(view)
        np.testing.assert_array_equal(y.data, view.numpy())
        assert np.shares_memory(y.data, view.numpy())
    y = sf.from_dlpack(x)
    x[0, 0] = 7
    assert y[0, 0].item() == 7 and (y * 2).sum().item() == 2 * (276 + 7)


def test_what_pytorch_does_not_hand_over_is_said(torch):
    for bad in (torch.ones(2, requires_grad=True), torch.ones(2).bfloat16()):
        with pytest.raises(TypeError, match=r"^from_dlpack: Tensor cannot be taken over: "):
            sf.from_dlpack(bad)
