"""save and load: what went in comes out, whole files only, and never anything but numbers."""

import io
import os
import pickle

import numpy as np
import pytest

import specframe as sf
from specframe.layers import Linear, Sequential
from tests.kit.strict import STRICT

DTYPES = ["float32", "float64", "complex64", "int64", "uint8", ">f4"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)])
def test_a_tensor_comes_back(tmp_path, dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    sf.save(sf.Tensor(array), tmp_path / "x.npz")
    loaded = sf.load(tmp_path / "x.npz")
    assert type(loaded) is sf.Tensor and loaded.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(loaded.numpy(), array)


def test_a_mask_comes_back_as_an_array(tmp_path):
    sf.save(sf.arange(3) > 0, tmp_path / "x.npz")
    loaded = sf.load(tmp_path / "x.npz")
    assert type(loaded) is np.ndarray and loaded.tolist() == [False, True, True]


def test_arrays_come_back_by_name(tmp_path):
    arrays = {"a.weight": np.ones((2, 3)), "file": np.arange(3), "mask": np.array([True, False]), "x/y": np.array(1j)}
    sf.save(arrays | {"on the device": sf.Tensor(STRICT.xp.ones(2))}, tmp_path / "state.npz")
    loaded = sf.load(tmp_path / "state.npz")
    assert sorted(loaded) == sorted([*arrays, "on the device"])
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)
    with np.load(tmp_path / "state.npz") as file:
        np.testing.assert_array_equal(file["a.weight"], 1)


def test_a_model_goes_into_another(tmp_path):
    one, other = Sequential(Linear(2, 3), Linear(3, 1)), Sequential(Linear(2, 3), Linear(3, 1))
    sf.save(one, tmp_path / "weights")
    other.load_state_dict(sf.load(tmp_path / "weights"))
    assert os.listdir(tmp_path) == ["weights"]  # the name is taken as it is, and nothing is left beside it
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_files_of_numpys_are_read_too(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3.0))
    np.savez(tmp_path / "x.npz", a=np.arange(2))
    assert sf.load(tmp_path / "x.npy").tolist() == [0.0, 1.0, 2.0]
    assert sf.load(os.fspath(tmp_path / "x.npz"))["a"].tolist() == [0, 1]


@pytest.mark.parametrize("what", [{"a": object()}, {"a": np.array(["text"])}, {"a": np.array([None])}, "text"], ids=str)
def test_what_is_no_number_is_not_saved_and_the_old_file_stays(tmp_path, what):
    sf.save(np.ones(2), tmp_path / "x.npz")
    with pytest.raises(TypeError, match=r"^'(a|tensor)': only arrays of numbers can be saved, got "):
        sf.save(what, tmp_path / "x.npz")
    assert sf.load(tmp_path / "x.npz").tolist() == [1.0, 1.0] and os.listdir(tmp_path) == ["x.npz"]


def test_a_write_that_fails_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    sf.save(np.ones(2), path)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*x\.npz'$"):
        sf.save(np.zeros(2), path)
    assert sf.load(path).tolist() == [1.0, 1.0] and os.listdir(tmp_path) == ["x.npz"]
    with pytest.raises(FileNotFoundError, match=r"missing/x\.npz"):
        sf.save(np.ones(2), tmp_path / "missing" / "x.npz")


@pytest.mark.parametrize("save", [lambda path: sf.save(np.ones(2), path), lambda path: Linear(1, 1).save(path)])
def test_what_a_killed_writer_left_goes_with_the_next_file(tmp_path, save):
    (tmp_path / f".specframe-{'0' * 16}.part").write_text("half")
    save(tmp_path / "x.npz")
    assert os.listdir(tmp_path) == ["x.npz"]


def test_a_link_and_the_mode_of_a_file_stay(tmp_path):
    sf.save(np.ones(2), tmp_path / "x.npz")
    (tmp_path / "x.npz").chmod(0o640)
    (tmp_path / "link").symlink_to("x.npz")
    sf.save(np.zeros(2), tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "x.npz").stat().st_mode & 0o777 == 0o640
    assert sf.load(tmp_path / "x.npz").tolist() == [0.0, 0.0]


class Runs:
    """What a pickle could do."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_nothing_in_a_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pickle").write_bytes(pickle.dumps(Runs()))
    np.savez(tmp_path / "objects.npz", a=np.array([Runs()], dtype=object))
    np.savez(tmp_path / "words.npz", a=np.array(["text"]))
    for name in ("pickle", "objects.npz", "words.npz"):
        with pytest.raises(ValueError, match=rf"^{name}: no arrays of numbers in it: "):
            sf.load(name)
    assert not os.path.exists("ran")


def test_a_damaged_file_is_refused_by_name(tmp_path):
    whole = io.BytesIO()
    np.savez(whole, a=np.arange(1000))
    for i, content in enumerate((b"", b"text", whole.getvalue()[:500], whole.getvalue()[:-10])):
        path = tmp_path / f"{i}.npz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"{i}\.npz: no arrays of numbers in it: "):
            sf.load(path)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        sf.load(tmp_path / "nowhere.npz")
