"""Files of safetensors': what went in comes out, by that library too, and what it cannot hold or read is said."""

import os
import sys

import numpy as np
import pytest

import specframe as sf
from specframe.layers import Linear, Sequential
from specframe.models import LeNet5
from tests.kit.strict import STRICT


def test_without_the_library_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"old")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    sentence = r"x\.safetensors: this needs the library safetensors: pip install 'specframe\[safetensors\]'$"
    for use in (lambda: sf.save(np.ones(2), path), lambda: sf.load(path), lambda: Linear(1, 1).load(path)):
        with pytest.raises(ModuleNotFoundError, match=sentence):
            use()
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x.safetensors"]


@pytest.fixture
def library():
    return pytest.importorskip("safetensors.numpy", reason="safetensors is not installed (pip install -e '.[test]')")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64", "int64", "uint8", "bool", ">f4"])
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)])
def test_a_tensor_comes_back(library, tmp_path, dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    sf.save(array, tmp_path / "x.safetensors")
    loaded = sf.load(tmp_path / "x.safetensors")
    loaded = loaded if dtype == "bool" else loaded.numpy()
    assert loaded.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(loaded, array)


def test_arrays_come_back_by_name_from_any_layout_in_memory(library, tmp_path):
    grid = np.arange(12.0).reshape(3, 4)
    given = {"a.weight": grid.T, "b": grid[::-1, ::2], "": np.array(3), "on the device": STRICT.xp.ones(2)}
    sf.save(given, tmp_path / "X.SafeTensors")
    loaded, theirs = sf.load(str(tmp_path / "X.SafeTensors")), library.load_file(tmp_path / "X.SafeTensors")
    assert loaded.keys() == theirs.keys() == given.keys()
    for name, array in given.items():
        array = sf.backend.to_host(array)
        np.testing.assert_array_equal(loaded[name], array)
        np.testing.assert_array_equal(theirs[name], array)
    loaded["b"][0, 0] = 7  # one's own memory, not the file's
    assert sf.load(tmp_path / "X.SafeTensors")["b"][0, 0] == 8


def test_a_module_takes_the_file_back_and_refuses_that_of_another(library, tmp_path):
    one, other = Sequential(Linear(2, 3), Linear(3, 1)), Sequential(Linear(2, 3), Linear(3, 1))
    one.save(tmp_path / "x.safetensors")
    assert other.load(tmp_path / "x.safetensors") is other
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.raises(ValueError, match=r"x\.safetensors: no state of Linear: Linear: the state lacks \['weight', "):
        Linear(2, 3).load(tmp_path / "x.safetensors")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"specframe": ""}, {"specframe": "{}"}])
def test_a_file_of_another_programs_gives_its_arrays(library, tmp_path, metadata):
    state = LeNet5(seed=1).state_dict()
    library.save_file(state, tmp_path / "x.safetensors", metadata)
    loaded = sf.load(tmp_path / "x.safetensors")
    assert type(loaded) is dict and loaded.keys() == state.keys()
    np.testing.assert_array_equal(LeNet5().load(tmp_path / "x.safetensors").fc3.weight.data, state["fc3.weight"])


@pytest.mark.parametrize(
    ("what", "sentence"),
    [({"a": np.ones(2, complex)}, r"x\.safetensors: .*complex128"),
     ({"__metadata__": np.ones(2)}, r"x\.safetensors: no array can be called '__metadata__' in this format$"),
     ({"a": np.array(["text"])}, "^'a': only arrays of numbers can be saved, got ndarray of <U4$")],
)  # fmt: skip
def test_what_the_format_cannot_hold_is_refused_and_the_old_file_stays(library, tmp_path, what, sentence):
    path = tmp_path / "x.safetensors"
    sf.save(np.ones(2), path)
    with pytest.raises(TypeError, match=sentence):
        sf.save(what, path)
    assert sf.load(path).tolist() == [1.0, 1.0] and os.listdir(tmp_path) == ["x.safetensors"]


def test_a_damaged_file_is_refused_by_name(library, tmp_path):
    sf.save({"a": np.arange(100.0), "b": np.ones(3)}, tmp_path / "whole.safetensors")
    whole, path = (tmp_path / "whole.safetensors").read_bytes(), tmp_path / "x.safetensors"
    header = 8 + int.from_bytes(whole[:8], "little")
    flips = [whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :] for i in range(header)]
    contents = [b"", b"text", whole[:8], whole[:-1], whole + b"1", b"\xff" * 16 + whole, *flips]
    refused = 0
    for content in contents:
        path.write_bytes(content)
        for read in (sf.load, Sequential().load):
            try:
                read(path)
            except ValueError as error:
                refused += 1
                assert str(error).startswith(f"{path}: no ") and len(str(error)) < 400 + len(str(path))
    assert refused > len(contents)


def test_a_dtype_that_numpy_has_not_is_refused_by_name(library, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")
    torch_files = pytest.importorskip("safetensors.torch")
    torch_files.save_file({"a": torch.ones(2).bfloat16()}, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=r"x\.safetensors: no arrays of numbers in it: .*bfloat16"):
        sf.load(tmp_path / "x.safetensors")


def test_errors_of_the_file_system_name_the_path(library, tmp_path):
    for path in (tmp_path / "folder" / "x.safetensors", tmp_path / "y.safetensors"):
        with pytest.raises(FileNotFoundError, match=path.name):
            sf.load(path)
    with pytest.raises(FileNotFoundError, match=r"x\.safetensors"):
        sf.save(np.ones(2), tmp_path / "folder" / "x.safetensors")
