"""Training runs, each in a folder that its settings name: what is done is not done again, what was stopped goes on."""

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import train

from paper_parts.scale import Scale
from specframe.training import say


class Stopped(Exception):
    """Ctrl-C between two batches; the next call goes on from there."""


@dataclass(frozen=True)
class Run:
    """A call of examples/train.py: its arguments, and how long it takes relative to others."""

    arguments: tuple[str, ...]
    cost: float

    @property
    def name(self) -> str:
        """Of its folder: readable, and another for other settings."""
        digest = hashlib.sha256("\0".join(self.arguments).encode()).hexdigest()[:8]
        model, data = (next(a for a in self.arguments if a.startswith(flag)) for flag in ("--model=", "--data="))
        return f"{model.removeprefix('--model=')}-{data.removeprefix('--data=')}-{digest}"

    @property
    def command(self) -> str:
        return " ".join(("python examples/train.py", *self.arguments))


def make(scale: Scale, net: str, data: str, settings: Mapping[str, object] | None = None, seed: int = 0) -> Run:
    """The run of a net on a data set at a scale; `settings` are further options, {"beta": 0.5, "in_place": True}."""
    more = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
        for name, value in (settings or {}).items()
    ]
    arguments = [f"--model={net}", f"--data={data}", *scale.options(net, data), f"--seed={seed}", *more]
    return Run(tuple(arguments), scale.cost(net, data))


class Runs:
    """The runs below a folder.

    Parameters
    ----------
    folder : Path
    place : list of str, options that say where and not what: --device, --data-dir
    """

    def __init__(self, folder: Path, place: Sequence[str]) -> None:
        self.folder, self.place = folder, list(place)

    def path(self, run: Run) -> Path:
        return self.folder / run.name

    def done(self, run: Run) -> bool:
        return (self.path(run) / "metrics.json").exists()

    def result(self, run: Run) -> dict[str, Any]:
        """The figures of a run's net: test_accuracy, saved_bytes, peak_bytes, history, ..."""
        metrics = json.loads((self.path(run) / "metrics.json").read_text(encoding="utf-8"))
        figures: dict[str, Any] = metrics["spectral"] or metrics["spatial"]
        return figures

    def complete(self, wanted: Sequence[Run]) -> None:
        """Do what is not done, and say how much is left.

        Raises
        ------
        Stopped
            Ctrl-C.
        ValueError
            A run failed; its log says why.
        """
        todo = [run for run in dict.fromkeys(wanted) if not self.done(run)]
        say(f"{len(set(wanted)) - len(todo)} runs are there already, {len(todo)} to do")
        start, spent, whole = time.monotonic(), 0.0, sum(run.cost for run in todo)
        for number, run in enumerate(todo, 1):
            left = (time.monotonic() - start) / spent * (whole - spent) if spent else None
            about = f"about {duration(left)} left" if left is not None else "time unknown yet"
            say(f"[{number}/{len(todo)}, {about}] {run.command}")
            self._train(run)
            spent += run.cost

    def _train(self, run: Run) -> None:
        path = self.path(run)
        path.mkdir(parents=True, exist_ok=True)
        how = ["--resume"] if (path / "checkpoint.npz").exists() else run.arguments
        with open(path / "log.txt", "a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
            status = train.main([*how, *self.place, f"--out={path}", "--no-pictures"])
        if status == 130:
            raise Stopped
        if status:
            raise ValueError(f"a run failed: {run.command} ({path / 'log.txt'})")


def duration(seconds: float) -> str:
    """ "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
