"""device.py: figures are written one by one, a second call measures what is missing, and without a GPU it says so."""

import json

import pytest

from benchmarks import device
from specframe import backend

WITHOUT = ["--device", "cpu", "--part", "steps"]


@pytest.fixture
def parts(monkeypatch):
    """One part of two figures; the second goes wrong as often as `wrong` says."""
    asked, wrong = [], [1]

    def measure(name):
        asked.append(name)
        if name == "SpecVGG16" and wrong[0]:
            wrong[0] -= 1
            return {"error": "exit status 1: out of memory"}
        return {"milliseconds": 12.3456, "saved": 4096}

    monkeypatch.setitem(
        device.PARTS,
        "steps",
        lambda options: [(name, lambda name=name: measure(name)) for name in ("VGG16", "SpecVGG16")],
    )
    return asked


def test_without_a_gpu_it_says_what_is_missing(capsys, tmp_path):
    try:
        backend.get("cuda")
        pytest.skip("there is a GPU")
    except backend.DeviceError:
        pass
    with pytest.raises(SystemExit) as end:
        device.main(["--out", str(tmp_path / "new")])
    assert end.value.code == 2 and "device 'cuda' needs CuPy, which is not installed" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_what_was_measured_is_not_measured_again_and_what_failed_is(parts, tmp_path, capsys):
    for asked in (["VGG16", "SpecVGG16"], ["SpecVGG16"], []):
        parts.clear()
        device.main([*WITHOUT, "--out", str(tmp_path)])
        assert parts == asked
    device.main([*WITHOUT, "--out", str(tmp_path), "--again"])
    assert parts == ["VGG16", "SpecVGG16"]
    there = json.loads((tmp_path / "device.json").read_text())["parts"]["steps"]
    assert there["VGG16"]["saved"] == 4096 and "error" not in there["SpecVGG16"]
    assert "| VGG16 | 12.35 | 4,096 | " in capsys.readouterr().out


def test_figures_of_another_size_are_not_mixed_in(parts, tmp_path, capsys):
    device.main([*WITHOUT, "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        device.main([*WITHOUT, "--out", str(tmp_path), "--width", "0.5"])
    assert "holds figures of {'width': 1.0, 'batch': 128}" in capsys.readouterr().err


def test_a_process_that_fails_or_hangs_leaves_a_sentence(monkeypatch):
    def read(printed):
        return json.loads(device.last_line(printed))

    code = "import sys; sys.exit('CUDA ran out of memory')"
    assert device.run("steps", ["-c", code], read) == {"error": "exit status 1: CUDA ran out of memory"}
    assert device.run("steps", ["-c", "print('[1]'); print('{\"a\": 2}')"], read) == {"a": 2}
    monkeypatch.setitem(device.SECONDS, "steps", 0.2)
    assert device.run("steps", ["-c", "import time; time.sleep(60)"], read) == {"error": "not done after 0.2 s"}


def test_the_tests_that_it_runs_are_there():
    assert all((device.HERE.parent / file).exists() for files in device.TESTS.values() for file in files)


def test_a_net_of_this_engine_gives_its_figures(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(device.HERE))
    import device_child

    job = {"net": "LeNet5", "engine": "specframe", "device": "cpu", "batch": 2, "warm": 1, "rounds": 1, "steps": 1}
    device_child.main(job)
    figures = json.loads(capsys.readouterr().out)
    assert figures["milliseconds"] > 0 and 0 < figures["saved"] < figures["peak"]
