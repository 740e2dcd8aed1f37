"""device.py: figures are written one by one, a second call measures what is missing, what takes too long is cut.

Without a GPU it says so. Its parts are rehearsed on the CPU as the processes they are, and on the stand-in for a GPU.
"""

import argparse
import json
import re
import signal
import time
import types

import pytest

import specframe as sf
from benchmarks import device, device_child, max_batch
from examples import lenet_mnist
from specframe import backend
from tests.kit import shim
from tests.kit.strict import STRICT

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

    def steps(options):
        return [(name, lambda seconds, name=name: measure(name)) for name in ("VGG16", "SpecVGG16")]

    monkeypatch.setitem(device.PARTS, "steps", steps)
    return asked


def test_without_a_gpu_it_says_what_is_missing(capsys, tmp_path):
    try:
        backend.get("cuda")
        pytest.skip("there is a GPU")
    except backend.DeviceError:
        pass
    with pytest.raises(SystemExit) as end:
        device.main(["--out", str(tmp_path / "new")])
    assert end.value.code == 2 and "device 'cuda'" in capsys.readouterr().err
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


def test_what_there_is_no_time_for_is_left_out_with_a_note_and_measured_by_the_next_call(parts, tmp_path, monkeypatch):
    monkeypatch.setitem(device.SECONDS, "steps", 0.5)
    device.main([*WITHOUT, "--out", str(tmp_path)])
    note = {"cut": "left out, call again"}
    assert json.loads((tmp_path / "device.json").read_text())["parts"]["steps"] == {"VGG16": note, "SpecVGG16": note}
    assert not parts and "| VGG16 | left out, call again |" in (tmp_path / "device.md").read_text()
    monkeypatch.setitem(device.SECONDS, "steps", 60)
    device.main([*WITHOUT, "--out", str(tmp_path)])
    assert parts == ["VGG16", "SpecVGG16"]


def test_all_parts_together_end_within_eight_minutes():
    assert device.SECONDS.keys() == device.PARTS.keys() and sum(device.SECONDS.values()) < 470  # and a last interrupt


def test_a_process_that_fails_or_hangs_leaves_a_sentence():
    def read(printed):
        return json.loads(device.last_line(printed))

    code = "import sys; sys.exit('CUDA ran out of memory')"
    assert device.run(["-c", code], read, 60) == {"error": "exit status 1: CUDA ran out of memory"}
    assert device.run(["-c", "print('[1]'); print('{\"a\": 2}')"], read, 60) == {"a": 2}
    assert device.run(["-c", "import time; time.sleep(60)"], read, 0.2) == {"cut": "stopped after 0 s"}


def test_what_a_process_had_printed_when_its_time_was_over_is_read():
    """As pytest prints its counts when it is interrupted."""
    code = """
import time
print('{"passed": 7}', flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print('{"passed": 8}')
"""
    start = time.monotonic()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("a process in the background, which cannot be interrupted")
    found = device.run(["-c", code], lambda printed: json.loads(device.last_line(printed)), 1)
    assert found == {"passed": 8, "cut": "stopped after 1 s"} and time.monotonic() - start < 9


def test_the_tests_that_it_runs_are_there():
    assert all((device.HERE.parent / file).exists() for files in device.TESTS.values() for file in files)


# ---- rehearsals --------------------------------------------------------------------------------------------------


def test_every_part_runs_as_processes_on_the_cpu(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(device, "NETS", ("SpecResNet",))
    monkeypatch.setattr(device, "STRATEGIES", ("spec+mask8",))
    monkeypatch.setattr(device, "TESTS", {"few": ["tests/optim/test_sgd.py"]})
    device.main(["--device", "cpu", "--quick", "--out", str(tmp_path)])
    parts = json.loads((tmp_path / "device.json").read_text())["parts"]
    assert parts["tests"]["few"]["passed"] > 0 and parts["tests"]["few"]["failures"] == []
    both = parts["lenet"]["both nets"]
    assert both["data"] == "digits" and 0 < both["spectral"]["accuracy"] < 100 and both["spatial"]["epochs"] == 1
    assert parts["steps"]["SpecResNet, specframe"]["milliseconds"] > 0
    assert parts["steps"]["SpecLeNet5, specframe"]["saved"] > 0
    assert parts["batch"]["spec+mask8"]["images"] == 4
    assert not re.search("error|cut", (tmp_path / "device.json").read_text())
    assert capsys.readouterr().out.count("\n## ") == 4


def test_steps_are_of_all_ten_nets_and_of_pytorchs():
    names = [
        name for name, _ in device.steps(argparse.Namespace(device="cuda", quick=False, batch_size=1, width=1, steps=1))
    ]
    assert {name.partition(",")[0] for name in names} == set(sf.models.saved.NETS)
    assert names.count("SpecLeNet5, specframe, cpu") == 1 and len(names) == 10 + 1 + 2 * 6


JOB = {"batch": 2, "width": 1 / 16, "warm": 1, "rounds": 1, "steps": 1}


@pytest.mark.parametrize("net", device.NETS)
def test_a_step_of_every_net_gives_its_figures_on_the_stand_in(net, capsys):
    if not shim.COMPILER:
        pytest.skip(shim.WHY_NOT)
    device_child.main({"net": net, "engine": "specframe", "device": STRICT, **JOB})
    figures = json.loads(capsys.readouterr().out)
    assert figures["milliseconds"] > 0 and 0 < figures["saved"] < figures["peak"]


@pytest.mark.parametrize("net", device.PEERS)
def test_a_step_of_pytorchs_nets_gives_its_figures(net, capsys):
    pytest.importorskip("torch", reason="PyTorch is missing")
    device_child.main({"net": net, "engine": "torch fp32", "device": "cpu", **JOB})
    figures = json.loads(capsys.readouterr().out)
    assert figures["milliseconds"] > 0 and figures["saved"] > 0 and figures["peak"] is None


@pytest.fixture
def on_the_stand_in(monkeypatch):
    """Programs that ask for a GPU get the stand-in."""
    get = backend.get
    monkeypatch.setattr(backend, "get", lambda device="auto": STRICT if device == "cuda" else get(device))


def test_lenet_trains_on_the_stand_in(on_the_stand_in, tmp_path, capsys):
    if not shim.COMPILER:
        pytest.skip(shim.WHY_NOT)
    arguments = ["--device", "cuda", "--data", "digits", "--train-size", "64", "--epochs", "1"]
    assert lenet_mnist.main([*arguments, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "of digits, on strict;" in out and re.search("^spatial epoch 1/1 .*test [0-9.]+ %", out, re.MULTILINE)


def test_the_largest_batch_is_found_on_the_stand_in(on_the_stand_in, capsys):
    if not shim.COMPILER:
        pytest.skip(shim.WHY_NOT)
    arguments = ["--device", "cuda", "--budget", "1MB", "--width", "0.0625", "--max-batch", "3", "--strategies"]
    assert max_batch.main([*arguments, *device.STRATEGIES]) == 0
    assert len(re.findall(r"^\S+ +[1-3]\+? ", capsys.readouterr().out, re.MULTILINE)) == len(device.STRATEGIES)


def test_a_card_is_named_with_its_memory_and_driver(monkeypatch):
    runtime = types.SimpleNamespace(
        getDeviceProperties=lambda number: {"name": b"NVIDIA H100", "totalGlobalMem": 85 << 30},
        driverGetVersion=lambda: 12080,
    )
    xp = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime), __version__="14.2.0")
    monkeypatch.setattr(backend, "get", lambda name: types.SimpleNamespace(xp=xp, number=0))
    card = {"name": "NVIDIA H100", "memory": 85 << 30, "cupy": "14.2.0", "driver": "CUDA 12.8"}
    assert device.card("cuda") == card


def test_the_report_sets_steps_beside_their_bars():
    steps = {"SpecVGG16, specframe": {"milliseconds": 3.0}, "VGG16, torch fp32": {"milliseconds": 2.0}}
    results = {"card": {"name": "x"}, "options": {"width": 1.0, "batch": 128}, "parts": {"steps": steps}}
    assert "| milliseconds, SpecVGG16, specframe / VGG16, torch fp32 | 1.5 | 2 |" in device.report(results)
    del steps["VGG16, torch fp32"]["milliseconds"]
    assert "ratio" not in device.report(results)
