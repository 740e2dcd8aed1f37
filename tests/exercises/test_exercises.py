"""Every solution passes its check, every file as it is handed out fails, and so does every slip in a solution."""

import re

import pytest

from specframe.exercises import EXERCISES, judge
from specframe.exercises.catalogue import HERE
from tests.exercises.slips import SLIPS

ALL = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.file)


@ALL
def test_the_solution_is_right(exercise):
    assert judge(exercise.number, exercise.solution).sentence.startswith(f"Exercise {exercise.number} is right: ")


@ALL
def test_the_file_to_fill_in_is_not(exercise):
    right, sentence = judge(exercise.number, exercise.task)
    assert not right
    if "raise NotImplementedError" in exercise.task.read_text(encoding="utf-8"):
        assert re.search(rf"not filled in yet, line \d+ of {exercise.file}: ", sentence)
    else:  # a planted rule gives wrong numbers; it does not crash
        assert not re.search(r"yet: \w*(Error|Exception|Warning)\b", sentence), sentence


@pytest.mark.parametrize(("number", "right", "slip"), SLIPS)
def test_a_slip_is_found(number, right, slip, tmp_path):
    text = EXERCISES[number].solution.read_text(encoding="utf-8")
    code = text.index('"""', 3)  # behind the derivation
    assert text.count(right, code) == 1, "the place of the slip is not in the solution"
    file = tmp_path / EXERCISES[number].file
    file.write_text(text[:code] + text[code:].replace(right, slip), encoding="utf-8")
    verdict = judge(number, file)
    assert not verdict.right, f"{right} -> {slip} passes"
    assert "is not Python" not in verdict.sentence


def test_every_exercise_has_a_slip():
    assert {number for number, _, _ in SLIPS} == EXERCISES.keys()


def test_the_numbers_run_and_follow_the_chapters():
    assert list(EXERCISES) == list(range(1, len(EXERCISES) + 1))
    chapters = [exercise.chapter for exercise in EXERCISES.values()]
    assert chapters == sorted(chapters)


def test_every_file_belongs_to_an_exercise():
    files = {exercise.file for exercise in EXERCISES.values()}
    for folder in ("tasks", "solutions"):
        assert {path.name for path in (HERE / folder).glob("*.py")} == files


@ALL
def test_the_task_states_its_number_and_does_not_contain_the_solution(exercise):
    task, solution = exercise.task.read_text(encoding="utf-8"), exercise.solution.read_text(encoding="utf-8")
    assert all(text.startswith(f'"""Exercise {exercise.number}: ') for text in (task, solution))
    assert exercise.title and f": {exercise.title.lower()}" in solution.partition("\n")[0].lower()
    assert len(exercise.hint) > 60 and 1 <= exercise.stars <= 4
