"""python -m specframe.exercises: what it prints, what it refuses, and that no file of a reader's can break it."""

import os
import signal
import subprocess
import sys

import pytest

from specframe.exercises import EXERCISES

FIRST = EXERCISES[1]


def run(*arguments, cwd):
    command = [sys.executable, "-m", "specframe.exercises", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_list_names_every_exercise_with_stars_and_minutes(tmp_path):
    status, out, _ = run("list", cwd=tmp_path)
    assert status == 0
    for exercise in EXERCISES.values():
        assert f"{exercise.number:2}  {'*' * exercise.stars:4}  {exercise.minutes:2} min  {exercise.title}\n" in out


def test_start_copies_the_files_and_never_overwrites_one(tmp_path):
    status, out, _ = run("start", "mine", cwd=tmp_path)
    assert status == 0 and out.startswith(f"{len(EXERCISES)} files are in mine.")
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {e.file for e in EXERCISES.values()}
    last = EXERCISES[max(EXERCISES)]
    for path in (tmp_path / "mine").iterdir():
        if path.name != last.file:
            path.unlink()
    (tmp_path / "mine" / last.file).write_text("my work")
    status, _, err = run("start", "mine", cwd=tmp_path)
    assert status == 2 and f"mine/{last.file} is there already" in err and err.count("\n") == 1
    assert [path.read_text() for path in (tmp_path / "mine").iterdir()] == ["my work"]  # and nothing beside it


def test_check_takes_the_file_in_this_folder_or_the_one_that_is_named(tmp_path):
    status, out, _ = run("check", 1, FIRST.solution, cwd=tmp_path)
    assert status == 0 and out.startswith("Exercise 1 is right: ")
    (tmp_path / FIRST.file).write_text(FIRST.task.read_text())
    status, out, err = run("check", 1, cwd=tmp_path)
    assert status == 1 and out.startswith("Exercise 1 is not right yet: a.grad") and err == ""


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("while True:\n    pass\n", "it did not end within 3 seconds"),
        ("import os\nos.abort()\n", "the file brought Python down (exit status -6)"),
        ("input()\n", f"EOFError in line 1 of {FIRST.file}: EOF when reading a line"),
    ],
)
def test_a_file_that_hangs_dies_or_asks_is_a_sentence(tmp_path, code, sentence):
    (tmp_path / FIRST.file).write_text(code)
    status, out, _ = run("check", 1, "--seconds", 3, cwd=tmp_path)
    assert status == 1 and f"Exercise 1 is not right yet: {sentence}" in out and out.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", 1], f"{FIRST.file} is not here: name your file, or copy the exercises with `start DIR`"),
        (["check", 1, "other.py"], "other.py is not here"),
        (["check", 1, FIRST.solution, "--seconds", "nan"], "--seconds: expected a number above 0, got nan"),
        (["hint", 0], f"there is no exercise 0: choose 1 to {max(EXERCISES)}"),
        (["solution", "seven"], "there is no exercise seven"),
        (["start", "/dev/null/folder"], "Not a directory"),
    ],
)
def test_a_wrong_command_ends_in_a_sentence_and_status_2(tmp_path, arguments, sentence):
    status, out, err = run(*arguments, cwd=tmp_path)
    assert status == 2 and out == "" and sentence in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_stops_in_a_word(tmp_path):
    (tmp_path / FIRST.file).write_text("print('here', flush=True)\nwhile True:\n    pass\n")
    command = [sys.executable, "-m", "specframe.exercises", "check", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes) as process:
        assert process.stdout.readline() == "here\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "stopped\n")


def test_hint_and_solution(tmp_path):
    assert run("hint", 1, cwd=tmp_path)[1] == FIRST.hint + "\n"
    assert run("solution", 1, cwd=tmp_path)[1] == FIRST.solution.read_text()
