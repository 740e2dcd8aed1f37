"""A run's folder: everything that would go wrong at the end of an epoch is refused before the first."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specframe.training.run_folder import run_folder

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from specframe.training.run_folder import run_folder
with run_folder(sys.argv[1], resume=True):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_folder_is_made_with_all_above_it_and_nothing_is_left_in_it(tmp_path):
    with run_folder(tmp_path / "a" / "b") as folder:
        assert folder == tmp_path / "a" / "b" and os.listdir(folder) == []
    assert os.listdir(folder) == []


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with run_folder("~/run") as folder:
        assert folder == tmp_path / "run"
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("file", "file is a file, expected a folder for the results"),
        ("file/run", "cannot write results to file/run: Not a directory"),
        ("a" * 300, "File name too long"),
        ("/".join(["a" * 200] * 30), "File name too long"),
        ("~nobody-has-this-name/run", "cannot write results to ~nobody-has-this-name/run"),
        ("/proc/run", "cannot write results to /proc/run"),
    ],
)
def test_what_cannot_be_written_to_is_refused(tmp_path, monkeypatch, path, sentence):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(ValueError, match=sentence), run_folder(path):
        raise AssertionError("the run began")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ValueError, match="Permission denied"), run_folder(tmp_path):
        pass


def test_the_longest_path_that_holds_every_result_is_taken_and_no_longer_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    deep = Path(*["a" * 200] * 19)  # 3 819 characters: the limit of a path is 4 096 on Linux
    with run_folder(deep) as folder:
        (folder / "checkpoint.npz").write_text("")
    nearly = deep / ("b" * (4090 - len(str(deep))))  # the folder can be made, a file in it cannot
    with pytest.raises(ValueError, match="File name too long"), run_folder(nearly):
        pass


@pytest.mark.parametrize("name", ["checkpoint.npz", "metrics.json"])
def test_a_used_folder_is_refused_kept_by_resume_and_emptied_of_results_by_overwrite(tmp_path, name):
    for each in (name, "history.csv", "mine.txt"):
        (tmp_path / each).write_text("old")
    with pytest.raises(ValueError, match=rf"holds the results of an earlier run \({name}, history.csv\)"):
        with run_folder(tmp_path):
            pass
    with run_folder(tmp_path, resume=True):
        assert sorted(os.listdir(tmp_path)) == sorted([name, "history.csv", "mine.txt"])
    with run_folder(tmp_path, overwrite=True):
        assert os.listdir(tmp_path) == ["mine.txt"]


@pytest.fixture
def holder(tmp_path):
    """A process that holds the folder `tmp_path`."""
    pytest.importorskip("fcntl", reason="no file locks on this system")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command, pipe = [sys.executable, "-c", HOLD, str(tmp_path)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"overwrite": True}])
def test_a_second_run_in_one_folder_is_refused_until_the_first_has_ended(tmp_path, holder, how):
    (tmp_path / "metrics.json").write_text("of the first run")
    with pytest.raises(ValueError, match="in use by another run"), run_folder(tmp_path, **how):
        pass
    assert (tmp_path / "metrics.json").read_text() == "of the first run"
    holder.communicate("")
    with run_folder(tmp_path, resume=True):
        pass


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_dead_process_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with run_folder(tmp_path):
        assert os.listdir(tmp_path) == []


def test_an_error_inside_frees_the_folder(tmp_path):
    with pytest.raises(RuntimeError, match="inside"), run_folder(tmp_path):
        raise RuntimeError("inside")
    with run_folder(tmp_path):
        pass
