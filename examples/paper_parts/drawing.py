"""Figures with panels, drawn without a window system. matplotlib is imported when one is asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specframe.training import write_atomically

COLOURS = {"LeNet": "#7c3aed", "AlexNet": "#15803d", "VGG": "#c2410c", "DenseNet": "#1d4ed8"}


def panels(rows: int, cols: int, width: float = 4.2, height: float = 3.2) -> tuple[Any, Any]:
    """(figure, array of axes (rows, cols))."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * cols, height * rows), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, cols, squeeze=False)
    for each in axes.flat:
        each.grid(alpha=0.25)
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: Any, path: Path, from_zero: bool = False) -> Path:
    """Legends where there are labels, (axes from zero), whole numbers below epochs, then the file."""
    for axes in figure.axes:
        axes.set_ylim(0 if from_zero else None)
        if axes.get_xlabel() == "epoch":
            axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8)
    write_atomically(path, lambda file: figure.savefig(file, format="png"))
    return path


def line(axes: Any, x: Sequence[float], y: Sequence[float], name: str, **style: Any) -> None:
    axes.plot(x, y, marker="o", ms=3.5, label=name, color=COLOURS.get(name.removeprefix("Spec")), **style)
