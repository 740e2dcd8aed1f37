"""A section of the report: what the paper prints, what came out here, and how it was made."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paper_parts.runs import Run, Runs
from paper_parts.scale import Scale
from specframe.training import write_atomically


@dataclass
class Section:
    """Attributes
    ----------
    name, title : str
    printed : list of str, what the paper prints, a sentence or a figure each
    head, rows : a table of ours; also written as NAME.csv
    picture : Path or None, NAME.png
    notes : list of str
    """

    name: str
    title: str
    printed: Sequence[str]
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    picture: Path | None = None
    notes: Sequence[str] = field(default_factory=list)

    def write_csv(self, folder: Path) -> Path:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.head, *self.rows])
        path = folder / f"{self.name}.csv"
        write_atomically(path, lambda file: file.write(text.getvalue().encode()))
        return path


@dataclass(frozen=True)
class Part:
    """One figure or table: plan(scale, data sets) names its runs, show(...) makes the Section once they are done."""

    plan: Callable[[Scale, Sequence[str]], Mapping[Any, Run]]
    show: Callable[[Scale, Mapping[Any, Run], Runs, Path], Section]


def percent(value: float) -> str:
    return f"{100 * value:.2f}"


def ratio(value: float) -> str:
    return f"{value:.3f}"
