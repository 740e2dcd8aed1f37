"""Benchmarks say how long they take, and end in a sentence where PyTorch or data are missing."""

import runpy
import subprocess
import sys
from pathlib import Path

import program
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))
QUICK = {"calls", "device_child", "frontier", "memory_child"}  # seconds; started by another


def raising(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    "error", [ValueError("no"), RuntimeError("no"), FileNotFoundError("no"), ModuleNotFoundError("no")]
)
def test_a_mistake_is_one_sentence_and_status_2(error, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks/step.py"])
    assert program.guarded(raising(error)) == 2
    assert capsys.readouterr().err == "step.py: error: no\n"


def test_ctrl_c_is_status_130_and_success_is_none():
    assert program.guarded(raising(KeyboardInterrupt())) == 130
    assert program.guarded(lambda: None) is None


@pytest.mark.parametrize(("code", "status"), [(2, 2), (-9, 1)])
def test_a_process_of_its_own_has_said_why_it_ended(code, status, capsys):
    assert program.guarded(raising(subprocess.CalledProcessError(code, "child", stderr="child: why\n"))) == status
    assert capsys.readouterr().err == "child: why\n"


def test_a_slip_in_the_program_is_not_hidden():
    with pytest.raises(TypeError):
        program.guarded(raising(TypeError("ours")))


@pytest.mark.parametrize(("minutes", "words"), [(0.2, "a minute"), (12, "12 minutes"), (150, "2.5 hours")])
def test_the_time_is_said_beforehand_on_stderr(minutes, words, capsys):
    program.takes(minutes)
    assert f"this takes about {words} on two free cores" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - QUICK))
def test_every_long_benchmark_says_how_long_it_takes(name):
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert "program.takes(" in text or "turns.run(" in text, name  # turns.run says it
    assert "program.guarded(main)" in text or "parser.error(str(error))" in text, name


@pytest.mark.parametrize(("name", "starter"), [("memory_child", "memory.py"), ("device_child", "device.py")])
@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_a_program_that_another_one_starts_says_which(name, starter, arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert end.value.code == 2
    sentence = f"{name}.py: error: {starter} starts this, with a job as JSON; run {starter}\n"
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize(
    ("name", "module", "said"),
    [("frontier", "matplotlib", "matplotlib"), ("scale", "mpi4py", "mpi4py"), ("kill_ranks", "mpi4py", "mpi4py")],
)
def test_a_missing_extra_is_one_sentence_before_it_begins(name, module, said, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    monkeypatch.setattr(sys, "argv", [f"{name}.py"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(f"{name}.py: error: this needs {said}, which is not installed: pip install 'specframe[")


def test_without_pytorch_a_benchmark_that_needs_it_says_so_before_it_begins(tmp_path):
    script = f"""
import runpy, sys
sys.modules["torch"] = None  # as if it were not installed
sys.path.insert(0, {str(FOLDER)!r})
for name, *arguments in (("step",), ("deep_step",), ("memory", "--nets", "lenet5"), ("deep_study",)):
    sys.argv = [name + ".py", *arguments]
    try:
        runpy.run_path({str(FOLDER)!r} + f"/{{name}}.py", run_name="__main__")
    except SystemExit as end:
        print(name, end.code)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert run.stdout.split() == ["step", "2", "deep_step", "2", "memory", "2", "deep_study", "2"], run.stderr
    for name in ("step", "deep_step", "memory", "deep_study"):
        assert f"{name}.py: error: this needs PyTorch, which is not installed" in run.stderr
