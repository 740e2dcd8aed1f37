"""docs/exercises.md: its table is the catalogue, and the verdict that it shows is the verdict."""

from pathlib import Path

from specframe.exercises import EXERCISES, judge

PAGE = (Path(__file__).parents[2] / "docs/exercises.md").read_text(encoding="utf-8")


def test_the_table_is_the_catalogue():
    rows = [row for row in PAGE.splitlines() if row.startswith("| ") and "★" in row]
    assert rows == [
        f"| {e.number} | {e.chapter} | {e.title} | {'★' * e.stars} | {e.minutes} |" for e in EXERCISES.values()
    ]


def test_the_verdict_is_the_one_that_check_gives():
    assert f"```text\n{judge(2, EXERCISES[2].task).sentence}\n```" in PAGE
