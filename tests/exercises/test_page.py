"""docs/exercises.md: its table is the catalogue, the verdict that it shows is the verdict; and chapters lead there."""

from pathlib import Path

import pytest

from specframe.exercises import EXERCISES, judge

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "exercises.md").read_text(encoding="utf-8")


def chapter(number):
    return next(DOCS.glob(f"book/{number:02}_*.md"))


def test_the_table_is_the_catalogue():
    rows = [row for row in PAGE.splitlines() if row.startswith("| ") and "★" in row]
    assert rows == [
        f"| {e.number} | [{e.chapter}](book/{chapter(e.chapter).name}) | {e.title} | {'★' * e.stars} | {e.minutes} |"
        for e in EXERCISES.values()
    ]


def test_the_verdict_is_the_one_that_check_gives():
    assert f"```text\n{judge(2, EXERCISES[2].task).sentence}\n```" in PAGE


@pytest.mark.parametrize("number", range(1, 15))
def test_each_chapter_ends_with_its_exercises(number):
    first, *others = [e.number for e in EXERCISES.values() if e.chapter == number]
    link = (
        f"exercise {first}" if not others else f"exercises {first} {'and' if len(others) == 1 else 'to'} {others[-1]}"
    )
    text = chapter(number).read_text(encoding="utf-8")
    assert text.endswith(f"\n\n*Practice: [{link}](../exercises.md).*\n")
