"""What exercises there are: each check announces its own with `@exercise(...)`."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    number, name : its files are NN_name.py
    chapter : of the book
    stars : 1 (one line once you see it) to 4 (a derivation of a page)
    minutes : that it takes, about
    hint : a paragraph
    check : takes the reader's module, returns what it found right, raises Wrong with a sentence
    """

    number: int
    name: str
    chapter: int
    stars: int
    minutes: int
    hint: str
    check: Callable[[Any], str]

    @property
    def file(self) -> str:
        return f"{self.number:02}_{self.name}.py"

    @property
    def task(self) -> Path:
        return HERE / "tasks" / self.file

    @property
    def solution(self) -> Path:
        return HERE / "solutions" / self.file

    @property
    def title(self) -> str:
        """The first line of the task, without its number."""
        text = ast.get_docstring(ast.parse(self.task.read_text(encoding="utf-8"))) or ""
        title = text.partition("\n")[0].partition(": ")[2].rstrip(".")
        return title[:1].upper() + title[1:]


EXERCISES: dict[int, Exercise] = {}


def exercise(
    number: int, name: str, *, chapter: int, stars: int, minutes: int, hint: str
) -> Callable[[Callable[[Any], str]], Callable[[Any], str]]:
    """Announce the decorated function as the check of an exercise."""

    def announce(check: Callable[[Any], str]) -> Callable[[Any], str]:
        EXERCISES[number] = Exercise(number, name, chapter, stars, minutes, " ".join(hint.split()), check)
        return check

    return announce
