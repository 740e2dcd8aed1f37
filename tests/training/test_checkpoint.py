"""Checkpoints: what goes in comes out, and nothing else is accepted."""

import os

import numpy as np
import pytest

from specframe.training import CheckpointError, load_checkpoint, save_checkpoint, write_atomically


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
    np.savez(tmp_path / "old.npz", **{"meta.json": np.array('{"format": "something 0", "state": {}}')})
    with pytest.raises(CheckpointError, match="expected the format"):
        load_checkpoint(tmp_path / "old.npz")


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "c.npz"
    save_checkpoint(path, {"n": 1})

    def fail(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert load_checkpoint(path) == {"n": 1}
    assert os.listdir(tmp_path) == ["c.npz"]


def test_new_file_has_the_mode_of_any_new_file(tmp_path):
    save_checkpoint(tmp_path / "c.npz", {"n": 1})
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "c.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode
