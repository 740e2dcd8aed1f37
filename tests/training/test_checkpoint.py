"""Checkpoints: what goes in comes out, and nothing else is accepted."""

import functools
import io
import json
import math
import pathlib
import random
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from specframe import Tensor
from specframe.training import CheckpointError, load_checkpoint, save_checkpoint
from tests.training.flip_bits import flip_all
from tests.training.kill_saves import kill_all


def round_trip(path, value):
    save_checkpoint(path, {"value": value})
    return load_checkpoint(path)["value"]


# ---- what goes in comes out -------------------------------------------------------------------------------------


def test_nested_state_comes_back_to_the_bit(tmp_path):
    state = {
        "options": {"lr": 0.1, "data": None, "list": [1, 2.5]},
        "nets": {"a": {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": 3, "empty": {}}},
        "third": 1 / 3,
    }
    save_checkpoint(tmp_path / "c.npz", state)
    back = load_checkpoint(tmp_path / "c.npz")
    assert back["options"] == state["options"] and back["third"] == 1 / 3
    assert back["nets"]["a"]["n"] == 3 and back["nets"]["a"]["empty"] == {}
    assert back["nets"]["a"]["w"].dtype == np.float32
    np.testing.assert_array_equal(back["nets"]["a"]["w"], state["nets"]["a"]["w"])


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.5), np.zeros((0, 3)), np.array([np.nan, -0.0, np.inf, 5e-324]), np.array([True, False]),
        np.arange(6, dtype=">i2").reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(10)[::-3],
        np.array([1 + 2j], np.complex64), np.array(["", "ü"]), np.array([b"ab"]), np.array(["2020-02-02"], "M8[D]"),
        np.longdouble([1]) / 3, np.float16([0.1]), np.array([2**64 - 1], np.uint64),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)  # fmt: skip
def test_an_array_comes_back_to_the_bit(tmp_path, array):
    back = round_trip(tmp_path / "c.npz", array)
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert back.flags.writeable
    np.testing.assert_array_equal(np.load(tmp_path / "c.npz")["value"], array)  # and NumPy reads the file


@pytest.mark.parametrize("value", [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan])
def test_a_float_comes_back_to_the_bit(tmp_path, value):
    assert struct.pack("d", round_trip(tmp_path / "c.npz", value)) == struct.pack("d", value)


@pytest.mark.parametrize("value", [None, True, 2**70, "\ud800 ü\n", [], {}, [[1], {"a": [None, 2.5]}]], ids=str)
def test_what_json_holds_comes_back(tmp_path, value):
    back = round_trip(tmp_path / "c.npz", value)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize(
    ("scalar", "number"),
    [(np.float32(0.1), float(np.float32(0.1))), (np.float64(0.1), 0.1), (np.int8(-3), -3),
     (np.uint64(2**64 - 1), 2**64 - 1), (np.bool_(True), True), (np.str_("a"), "a"), (np.float32(np.inf), math.inf)],
)  # fmt: skip
def test_a_numpy_scalar_comes_back_as_a_number(tmp_path, scalar, number):
    back = round_trip(tmp_path / "c.npz", scalar)
    assert back == number and type(back) is type(number)


@pytest.mark.parametrize("scalar", [1 + 2j, np.complex64(1 + 2j), np.longdouble(1) / 3, np.datetime64("2020-02-02")])
def test_a_number_that_json_lacks_comes_back_as_an_array_without_axes(tmp_path, scalar):
    back = round_trip(tmp_path / "c.npz", scalar)
    assert back.shape == () and back == scalar and back.dtype == np.asarray(scalar).dtype


def test_arrays_in_lists_and_the_order_of_keys_come_back(tmp_path):
    back = round_trip(tmp_path / "c.npz", {"b": [np.ones(2), (1, np.zeros(3))], "a": 1, "c": np.ones(1)})
    assert list(back) == ["b", "a", "c"]
    np.testing.assert_array_equal(back["b"][0], np.ones(2))
    assert back["b"][1][0] == 1 and back["b"][1][1].shape == (3,)


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        save_checkpoint(tmp_path / name, {"w": np.arange(3), "n": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


# ---- what cannot be saved is refused ----------------------------------------------------------------------------


DEEP = functools.reduce(lambda inner, _: {"a": inner}, range(5000), 0)
ITSELF = {}
ITSELF["a"] = ITSELF


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": np.array([None, 1])}, "got an array of object at a"),
        ({"a": [{"b": np.zeros(2, "i4,f4")}]}, r"got an array of \[.*\] at a/0/b"),
        ({"a": np.ma.masked_array([1.0], [True])}, "got a MaskedArray at a"),
        ({"a": Tensor(np.ones(1))}, "got a Tensor at a"),
        ({"a": pathlib.Path("x")}, "got a PosixPath at a"),
        ({"a": b"bytes"}, "got a bytes at a"),
        ({"a": {1, 2}}, "got a set at a"),
        ({"a": np.bytes_(b"x"), "b": np.void(b"x")}, r"got an array of \|V1 at b"),
        ({"a/b": np.ones(1), "a": {"b": np.ones(1)}}, "expected printable keys without '/', got 'a/b'"),
        ({"a": {1: 2}}, "expected printable keys without '/' in a, got 1"),
        ({"a": {"x\0": np.ones(1)}}, "expected printable keys without '/' in a, got"),
        ({"x" * 70_000: np.ones(1)}, ""),
        ({"a": 10**5000}, ""),
        (DEEP, "recursion"),
        (ITSELF, "recursion"),
        ({"x" * 1000: {1, 2}}, "got a set at xxx"),
        ([np.ones(1)], "expected a dict, got a list"),
        (np.ones(1), "expected a dict, got a ndarray"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_nothing_is_written(tmp_path, state, message):
    save_checkpoint(tmp_path / "c.npz", {"n": 1})
    with pytest.raises(CheckpointError, match=rf"c\.npz: cannot save this: .*{message}") as caught:
        save_checkpoint(tmp_path / "c.npz", state)
    assert len(str(caught.value)) <= 300
    assert load_checkpoint(tmp_path / "c.npz") == {"n": 1}


# ---- what is no checkpoint is refused ---------------------------------------------------------------------------


def test_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.npz: there is no checkpoint"):
        load_checkpoint(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"bad\.npz: not a specframe checkpoint, or damaged"):
        load_checkpoint(path)


def test_truncated_checkpoint_is_named(tmp_path):
    path = tmp_path / "cut.npz"
    save_checkpoint(path, {"w": np.zeros(1000)})
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(CheckpointError, match=r"cut\.npz"):
        load_checkpoint(path)


def test_npz_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", w=np.zeros(3))
    with pytest.raises(CheckpointError, match="not a specframe checkpoint"):
        load_checkpoint(tmp_path / "other.npz")
    np.savez(tmp_path / "old.npz", **{"meta.json": np.array('{"format": "specframe checkpoint 1", "state": {}}')})
    sentence = r"old\.npz: another version of specframe wrote it, expected the format 'specframe checkpoint 2'$"
    with pytest.raises(CheckpointError, match=sentence):
        load_checkpoint(tmp_path / "old.npz")


def test_what_cannot_be_opened_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "x" / "\0", f"{tmp_path}/{'x' * 300}"):
        with pytest.raises(CheckpointError, match=r"not a specframe checkpoint, or damaged \(\w+Error: "):
            load_checkpoint(path)


def test_a_flipped_bit_never_loses_anything_in_silence(tmp_path):
    counts = flip_all(tmp_path / "c.npz", every=101)
    assert counts.keys() == {"same", "refused"} and counts["refused"] > 500 and counts["same"] > 50


def test_kill_9_while_saving_loses_nothing_and_leaves_nothing_behind(tmp_path):
    counts = kill_all(tmp_path, 4, random.Random(0))
    assert counts["lost"] == counts["still there"] == 0


def repacked(path, meta=None, *, compression=zipfile.ZIP_STORED, **entries):
    """Write the checkpoint at `path` anew, whole and with the right CRCs, but with other contents."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    if meta is not None:
        content["meta.json"] = json.dumps(meta(json.loads(content["meta.json"]))).encode()
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in (content | entries).items():
            archive.writestr(name, data)


def put(*path, value):
    """A change of meta.json."""

    def change(meta):
        place = meta
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return meta

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("format", value="specframe checkpoint 3"), put("state", value=[]), put("arrays", value=None),
        put("arrays", value=[]), put("arrays", 0, value=None), put("arrays", 0, "path", value="n"),
        put("arrays", 0, "path", value=5), put("arrays", 0, "shape", value=[10**12]),
        put("arrays", 0, "shape", value=[-1]), put("arrays", 0, "shape", value=[3.0]),
        put("arrays", 0, "shape", value=[2]), put("arrays", 0, "dtype", value="O"),
        put("arrays", 0, "dtype", value="nonsense"), put("arrays", 0, "dtype", value="(100000000,)f8"),
        put("arrays", 0, "crc", value=1), put("state", "a", value=None), put("state", "a", value={"b": [1]}),
        lambda meta: None, lambda meta: [meta], lambda meta: {},
    ],
)  # fmt: skip
def test_a_list_of_contents_that_is_not_right_is_refused(tmp_path, change):
    path = tmp_path / "c.npz"
    save_checkpoint(path, {"a": {"b": [np.ones(3)]}, "n": 1})
    repacked(path, change)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("text", [b"[" * 10**5, b"9" * 5000, b"\xff\xfe", b'{"a": NaN', b""], ids=lambda text: text[:3])
def test_text_that_no_parser_takes_is_refused(tmp_path, text):
    save_checkpoint(tmp_path / "c.npz", {"n": 1})
    repacked(tmp_path / "c.npz", **{"meta.json": text})
    with pytest.raises(CheckpointError, match=r"c\.npz: not a specframe checkpoint, or damaged \(\w+: "):
        load_checkpoint(tmp_path / "c.npz")


def test_a_state_that_is_no_dict_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.npz", {"n": 1})
    repacked(tmp_path / "c.npz", put("state", value=[1]))
    with pytest.raises(CheckpointError, match="expected the format"):
        load_checkpoint(tmp_path / "c.npz")


def test_an_array_too_many_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.npz", {"n": 1})
    repacked(tmp_path / "c.npz", **{"w.npy": b""})
    with pytest.raises(CheckpointError, match="other arrays than it lists"):
        load_checkpoint(tmp_path / "c.npz")


def test_a_compressed_file_is_refused_before_it_takes_memory(tmp_path):
    path = tmp_path / "c.npz"
    save_checkpoint(path, {"n": 1})
    repacked(path, compression=zipfile.ZIP_DEFLATED, **{"meta.json": b" " * 10**8})
    assert path.stat().st_size < 10**6
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="an entry is compressed"):
        load_checkpoint(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_entries_that_share_their_bytes_are_refused_before_they_take_memory(tmp_path):
    """A directory of a thousand entries, each a megabyte, in a file of one megabyte."""
    one = io.BytesIO()
    with zipfile.ZipFile(one, "w") as archive:
        archive.writestr("a", bytes(10**6))
    content, start = one.getvalue(), archive.start_dir
    record, names = content[start : start + 46], [b"%03d" % i for i in range(1000)]
    directory = b"".join(record[:28] + struct.pack("<H", 3) + record[30:46] + name for name in names)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), start, 0)
    (tmp_path / "c.npz").write_bytes(content[:start] + directory + end)
    with pytest.raises(CheckpointError, match=r"the entries are larger than the file|Overlapped"):
        load_checkpoint(tmp_path / "c.npz")
