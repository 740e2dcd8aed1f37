"""A little of what `python -m tests.data.fuzz` does at length, and that it sees the faults it looks for."""

import sys

import numpy as np
import pytest

pytest.importorskip("PIL.Image", reason="Pillow is not installed: no pictures to damage")
if sys.platform != "linux":
    pytest.skip("only Linux tells the peak of a process' memory", allow_module_level=True)
from tests.data import fuzz


@pytest.mark.parametrize("name", fuzz.kinds())
def test_samples_are_read_whole(tmp_path, name):
    kind = fuzz.kinds()[name]
    for file, content in kind.files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    assert kind.read(tmp_path) == kind.count


def test_damaged_files_are_refused_or_read_right():
    results = fuzz.run(tries=600)
    assert len(results) >= 20
    for counts in results.values():
        assert counts["refused"] > 0
        assert counts["read"] + counts["refused"] == counts.total() >= 24


@pytest.mark.parametrize(
    ("fault", "reader"),
    [
        ("traceback", lambda path, ndim: {}["key"]),
        ("wrong count", lambda path, ndim: np.zeros((6, 28, 28)[:ndim], np.uint8)),
        ("memory", lambda path, ndim: np.ones(fuzz.MOST_BYTES + 2**20, np.uint8)),
        ("time", lambda path, ndim: [None for _ in iter(int, 1)]),
    ],
)
def test_planted_fault_is_found(monkeypatch, capsys, fault, reader):
    monkeypatch.setattr("specframe.data.mnist.read_idx", reader)
    monkeypatch.setattr(fuzz, "HOPELESS", 1)
    assert fuzz.run(tries=1, names=("idx",))["idx"] == {fault: 1}
    assert f"idx 0: {fault}: " in capsys.readouterr().out


def test_try_can_be_repeated():
    content = bytes(range(256))
    first, again = (fuzz.damaged(content, np.random.default_rng(7)) for _ in range(2))
    assert first == again != content
