"""What a run leaves behind: metrics.json, history.csv and curves.png in its folder, and a table on the screen."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specframe.atomic import write_atomically
from specframe.training import plots
from specframe.training.history import History, write_csv
from specframe.training.output import say


def figures(history: History) -> dict[str, Any]:
    """What one net reached and cost: the last epoch's figures, the mean time of an epoch, and the whole history."""
    last = history[-1]
    return {
        "test_accuracy": last.test_accuracy,
        "saved_bytes": last.saved_bytes,
        "peak_bytes": last.peak_bytes,
        "seconds_per_epoch": sum(epoch.seconds for epoch in history.epochs) / len(history),
        "density": last.density,
        "history": history.as_dicts(),
    }


def table(histories: Mapping[str, History]) -> str:
    """Nets side by side, a column each, as lines of text."""
    columns = [figures(history) for history in histories.values()]
    rows = {
        "": list(histories),
        "test accuracy": [f"{100 * f['test_accuracy']:.2f} %" for f in columns],
        "saved for backward, a step": [f"{f['saved_bytes'] / 1e6:.3f} MB" for f in columns],
        "measured peak of a step": [f"{f['peak_bytes'] / 1e6:.3f} MB" for f in columns],
        "seconds an epoch": [f"{f['seconds_per_epoch']:.1f}" for f in columns],
        "density of the spectra": [", ".join(f"{d:.3f}" for d in f["density"]) or "-" for f in columns],
    }
    widths = [max(len(cells[i]) for cells in rows.values()) + 2 for i in range(len(columns))]
    lines = (f"{name:28}" + "".join(map(str.ljust, cells, widths)) for name, cells in rows.items())
    return "\n".join(line.rstrip() for line in lines)


def write_report(
    folder: str | os.PathLike[str], histories: Mapping[str, History], *, data: str, device: str, title: str,
    pictures: bool = True,
) -> None:  # fmt: skip
    """Write metrics.json, history.csv and, where matplotlib is installed, curves.png.

    Parameters
    ----------
    folder : where to
    histories : History of each net by name, "spectral", "spatial" or both
    data, device : names of the data set and of the backend, for metrics.json
    title : of the picture
    pictures : whether to draw it
    """
    folder = Path(folder)
    metrics: dict[str, Any] = {"data": data, "device": device, "spectral": None, "spatial": None}
    metrics |= {name: figures(history) for name, history in histories.items()}
    text = json.dumps(metrics, indent=2) + "\n"
    write_atomically(folder / "metrics.json", lambda file: file.write(text.encode()))
    write_csv(folder / "history.csv", histories)
    if not pictures:
        return
    if plots.available():
        plots.curves(folder / "curves.png", histories, title)
    else:
        say("no pictures: matplotlib is not installed (pip install 'specframe[plot]')")
