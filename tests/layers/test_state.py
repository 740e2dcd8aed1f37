"""States: taken whole or not at all, with the names that differ, and kept in files that survive what may happen."""

import os
import stat
import zipfile

import numpy as np
import pytest

from specframe import Tensor
from specframe.layers import BatchNorm2d, Conv2d, Dropout, Linear, Module, Sequential
from specframe.models import SpecLeNet5
from tests.kit.strict import STRICT


def net(seed=1):
    return Sequential(Conv2d(1, 2, 3, rng=seed), BatchNorm2d(2), Dropout(0.5, seed=seed))


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)


# ---- by name ---------------------------------------------------------------------------------------------------


def test_without_strict_what_is_there_is_taken_and_the_names_that_differ_are_returned():
    model, given = net(), net(2).state_dict()
    before = model.state_dict()
    given["head.weight"] = given.pop("0.weight")
    given["a"] = np.ones(1)
    result = model.load_state_dict(given, strict=False)
    assert result.missing_keys == ["0.weight"] and result.unexpected_keys == ["head.weight", "a"]
    after = model.state_dict()
    np.testing.assert_array_equal(after["0.weight"], before["0.weight"])
    np.testing.assert_array_equal(after["2.key"], given["2.key"])
    assert not np.array_equal(before["2.key"], given["2.key"])


def test_a_state_that_fits_leaves_no_names_over():
    assert net().load_state_dict(net(2).state_dict()) == ([], [])


def test_without_strict_a_shape_that_differs_is_still_refused_and_nothing_is_taken():
    model, given = net(), net(2).state_dict()
    before = model.state_dict()
    given["2.key"] = np.zeros(3, np.int64)
    with pytest.raises(ValueError, match=r"^Sequential: 2.key is \(2,\), but the state has \(3,\)$"):
        model.load_state_dict(given, strict=False)
    assert model.state_dict()["0.weight"].tobytes() == before["0.weight"].tobytes()


@pytest.mark.parametrize("given", [None, "net.npz", [1], np.ones(2)])
def test_what_is_no_dict_is_refused(given):
    with pytest.raises(TypeError, match=f"^Sequential: expected a dict of arrays by name, got {type(given).__name__}$"):
        net().load_state_dict(given)


def test_a_module_in_the_place_of_its_state_is_refused_with_a_hint():
    with pytest.raises(TypeError, match=r"^Sequential: expected a dict .*, got Sequential: give its state_dict\(\)$"):
        net().load_state_dict(net())


def test_tensors_and_device_arrays_are_taken_too():
    model, source = net(), net(2)
    model.load_state_dict({name: Tensor(array) for name, array in source.state_dict().items()})
    assert same(model, source)
    other = net()
    other.load_state_dict({name: STRICT.asarray(array) for name, array in source.state_dict().items()})
    assert same(other, source) and other.device == "cpu"


class Tied(Module):
    def __init__(self):
        self.encode, self.decode = Linear(3, 3, rng=1), Linear(3, 3, rng=2)
        self.decode.weight = self.encode.weight


def test_a_shared_parameter_is_loaded_as_one():
    model, source = Tied(), Tied()
    source.encode.weight.data = np.full((3, 3), 2, np.float32)
    model.load_state_dict(source.state_dict())
    assert model.encode.weight is model.decode.weight and same(model, source)


def test_two_arrays_for_one_parameter_are_refused():
    model, given = Tied(), Tied().state_dict()
    given["decode.weight"] = given["decode.weight"] + 1
    with pytest.raises(
        ValueError, match=r"^Tied: encode.weight and decode.weight are one array, but the state has two$"
    ):
        model.load_state_dict(given)
    assert same(model, Tied())


# ---- files -----------------------------------------------------------------------------------------------------


def test_a_file_brings_the_state_back_bit_by_bit(be, tmp_path):
    model = net().to(be)
    model[1].running_mean = be.asarray(np.array([-0.0, np.nan], np.float32))
    model.save(tmp_path / "net")  # the name as given, without .npz
    other = net(2).to(be)
    assert other.load(tmp_path / "net") is other
    assert same(other, model) and other.device == be.name
    assert os.listdir(tmp_path) == ["net"]


def test_numpy_reads_the_file(tmp_path):
    model = net()
    model.save(str(tmp_path / "net.npz"))
    with np.load(tmp_path / "net.npz") as file:
        assert sorted(file.files) == sorted(model.state_dict())
        partial = net(2).load_state_dict({"0.weight": file["0.weight"]}, strict=False)
        np.testing.assert_array_equal(file["0.weight"], model[0].weight.data)
    assert "1.bias" in partial.missing_keys


def test_names_that_numpy_uses_itself_are_names_like_others(tmp_path):
    class Odd(Module):
        def __init__(self):
            self.file, self.allow_pickle = Linear(1, 1, rng=1).weight, Linear(1, 1, rng=2).weight
            self.heads = {"a/b": Linear(1, 1, rng=3)}

    model = Odd()
    model.save(tmp_path / "odd")
    assert same(Odd().load(tmp_path / "odd"), model)


def test_a_file_of_another_module_is_refused_and_nothing_is_loaded(tmp_path):
    SpecLeNet5().save(tmp_path / "lenet")
    model = net()
    with pytest.raises(ValueError, match=r"lenet: no state of Sequential: Sequential: the state lacks \['0.weight', "):
        model.load(tmp_path / "lenet")
    assert same(model, net())


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_what_is_no_such_file_is_refused_in_a_short_sentence(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=r"file: no state of Sequential: ") as caught:
        net().load(tmp_path / "file")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_a_pickle_is_not_run(tmp_path):
    np.savez(tmp_path / "evil.npz", **{"0.weight": np.array([print], object)})
    with pytest.raises(ValueError, match="allow_pickle=False"):
        net().load(tmp_path / "evil.npz")


def test_an_array_far_larger_than_the_module_has_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    given = net().state_dict()
    given["0.weight"] = np.zeros(10_000_000, np.float32)
    np.savez_compressed(tmp_path / "bomb.npz", **given)
    monkeypatch.setattr(np.lib.format, "read_array", None)
    with pytest.raises(ValueError, match=r"0.weight is 72 bytes, but the file has 40000128$"):
        net().load(tmp_path / "bomb.npz")


def test_an_array_that_is_longer_than_its_header_says_is_refused(tmp_path):
    np.save(tmp_path / "short.npy", np.ones((1, 1), np.float32))
    with zipfile.ZipFile(tmp_path / "net", "w") as archive:
        archive.writestr("weight.npy", (tmp_path / "short.npy").read_bytes() + b"1234")
    with pytest.raises(ValueError, match=r"weight.npy is longer than its header says$"):
        Linear(1, 1, bias=False).load(tmp_path / "net")


def test_a_message_about_many_names_stays_short(tmp_path):
    Sequential(*(Linear(1, 1) for _ in range(100))).save(tmp_path / "deep")
    with pytest.raises(ValueError, match="no state of Linear: Linear: the state lacks") as caught:
        Linear(1, 1).load(tmp_path / "deep")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_a_flipped_bit_is_never_taken_for_a_state(tmp_path):
    model, path = Linear(2, 1, rng=1), tmp_path / "net"
    model.save(path)
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 37):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        other = Linear(2, 1, rng=2)
        try:
            other.load(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: "), bit
            assert same(other, Linear(2, 1, rng=2)), bit
        else:
            assert same(other, model), bit  # a bit that says nothing about the arrays, as a date


@pytest.mark.parametrize("missing", [True, False])
def test_errors_of_the_file_system_name_the_path(tmp_path, missing):
    path = tmp_path / "folder" / "net" if missing else tmp_path
    with pytest.raises(OSError, match=str(path)) as caught:
        net().save(path)
    assert ".part" not in str(caught.value)
    with pytest.raises(OSError, match=str(path)):
        net().load(path)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "net"
    net().save(path)

    def full(entry, array, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        net(2).save(path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["net"] and same(net(3).load(path), net())


def test_an_interrupt_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "net"
    net().save(path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        net(2).save(path)
    assert os.listdir(tmp_path) == ["net"] and same(net(3).load(path), net())


def test_links_and_modes_stay(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    net().save(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~_umask()
    target.chmod(0o640)
    link.symlink_to(target)
    net(2).save(link)
    assert link.is_symlink() and same(net().load(target), net(2))
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def _umask():
    umask = os.umask(0o22)
    os.umask(umask)
    return umask


def test_arrays_of_objects_are_refused_before_anything_is_written(tmp_path):
    model = net()
    model[1].running_mean = np.array([None])
    with pytest.raises(
        TypeError, match=r"^'1.running_mean': only arrays of numbers can be saved, got ndarray of object$"
    ):
        model.save(tmp_path / "file")
    assert os.listdir(tmp_path) == []


def test_the_file_is_a_zip_of_npy_files(tmp_path):
    Linear(2, 1, rng=1).save(tmp_path / "net")
    assert zipfile.ZipFile(tmp_path / "net").namelist() == ["weight.npy", "bias.npy"]
