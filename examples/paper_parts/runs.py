"""Training runs, each in a folder that its settings name: what is done is not done again, what was stopped goes on."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_parts.scale import Scale
from specframe.training import say
from specframe.training.interrupt import Interrupt
from specframe.training.parallel import launch

TRAIN = str(Path(__file__).parents[1] / "train.py")


class Stopped(Exception):
    """Ctrl-C; the next call goes on from there."""


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
    jobs : int, so many at a time
    """

    def __init__(self, folder: Path, place: Sequence[str], jobs: int = 1) -> None:
        self.folder, self.place, self.jobs = folder, list(place), jobs

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
        """Do what is not done, several side by side, and say how much is left.

        Raises
        ------
        Stopped
            Ctrl-C, or a request to end: every run has written its checkpoint.
        ValueError
            A run failed; its log says why. The others stopped as after Ctrl-C.
        """
        todo = [run for run in dict.fromkeys(wanted) if not self.done(run)]
        say(f"{len(set(wanted)) - len(todo)} runs are there already, {len(todo)} to do, {self.jobs} side by side")
        start, spent, whole, count = time.monotonic(), 0.0, sum(run.cost for run in todo), len(todo)
        running: dict[subprocess.Popen[bytes], Run] = {}
        try:
            with Interrupt() as interrupt:
                while (todo or running) and not interrupt.requested:
                    while todo and len(running) < self.jobs:
                        run = todo.pop(0)
                        left = (time.monotonic() - start) / spent * (whole - spent) if spent else None
                        about = f"about {duration(left)} left" if left is not None else "time unknown yet"
                        say(f"[{count - len(todo)}/{count}, {about}] {run.command}")
                        running[self._start(run)] = run
                    time.sleep(0.05)
                    for process in [process for process in running if process.poll() is not None]:
                        run = running.pop(process)
                        if process.returncode:
                            log = self.path(run) / "log.txt"
                            raise ValueError(f"a run failed: {run.command} ({log}: {last_line(log)})")
                        spent += run.cost
                if running or todo:
                    raise Stopped
        finally:
            for process in running:
                process.send_signal(signal.SIGINT)
            for process in running:
                process.wait()

    def _start(self, run: Run) -> "subprocess.Popen[bytes]":
        """Train in a process of its own, with its share of the cores."""
        path = self.path(run)
        path.mkdir(parents=True, exist_ok=True)
        how = ["--resume"] if (path / "checkpoint.npz").exists() else run.arguments
        share = str(max(1, launch.cores() // self.jobs))
        with open(path / "log.txt", "ab") as log:
            return subprocess.Popen(
                [sys.executable, TRAIN, *how, *self.place, f"--out={path}", "--no-pictures"],
                env=dict.fromkeys(launch.THREADS, share) | os.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C comes here only, and goes on once
                preexec_fn=launch.end_with_parent,
            )


def last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def duration(seconds: float) -> str:
    """ "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
