"""Draw the frontier: accuracy against saved bytes and against the measured peak of a step, from docs/results/*.json.

    python benchmarks/frontier.py                                    docs/images/frontier.png
    python benchmarks/frontier.py --net densenet --out frontier.png

A point is one way to train, the mean over its seeds; a bar reaches from the lowest to the highest seed, a point without
one is a single run. The line is the Pareto front of the means: no other point has both fewer bytes and more accuracy.
Both axes of memory are relative to PyTorch's plain net with batch normalisation, which is drawn too, with the accuracy
of our twin: it computes the same. So do ways that change no value (recomputation, slices, offload).

Accuracies and bytes are of benchmarks/deep_study.py, peaks of `benchmarks/memory.py --out docs/results/memory.json`; a
way that has no peak there is missing on the right. Needs the extra `plot`.
"""

import argparse
import json
import pathlib
import sys
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import program

from specframe.training import plots, write_atomically

ROOT = pathlib.Path(__file__).parents[1]
NETS = {  # how the rows of a net begin, and those of its twin with dense values
    "vgg16": (("spec, ", "spec s", "saved by", "spectra by"), "saved by dense"),
    "densenet": (("specdense", "dense spectra by"), "dense twin: ReLU, BN"),
}
WAYS = {  # row: (net, strategy of benchmarks/memory.py)
    "saved by dense": ("vgg16", "dense"), "spec": ("vgg16", "spec"),
    **{f"saved by {store}": ("vgg16", store) for store in ("quant8", "quant4", "quant2", "topk:0.1:int8")},
    **{f"spectra by {store}": ("vgg16", f"spec+{store}") for store in ("mask", "mask16", "mask8", "mask4")},
    "dense twin: ReLU, BN": ("densenet", "dense"), "specdense": ("densenet", "spec"),
    **{f"dense spectra by {store}": ("densenet", f"spec+{store}") for store in ("mask", "mask8", "mask4")},
}  # fmt: skip
EXACT = {"torch": "PyTorch", "torch+checkpoint": "PyTorch, checkpointed", "checkpoint": "recomputation",
         "slices8": "8 slices", "offload": "offload"}  # fmt: skip
SHOWN = 8  # points of accuracy below the best: what is lower is named under the panel
COLOURS = {"spectral": "#c2410c", "spatial": "#1d4ed8", "PyTorch": "#15803d"}


class Point(NamedTuple):
    """A way to train: accuracy in %, of the lowest and the highest seed too; memory relative to PyTorch's."""

    name: str
    memory: float
    accuracy: float
    low: float
    high: float

    @property
    def kind(self):
        if self.name.startswith("PyTorch"):
            return "PyTorch"
        return "spectral" if self.name.startswith(("spec", "dense spectra")) else "spatial"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--net", choices=NETS, default="vgg16", help="and its twin (vgg16)")
    add("--results", type=pathlib.Path, default=ROOT / "docs" / "results", help="folder (docs/results)")
    add("--out", default=str(ROOT / "docs" / "images" / "frontier.png"), help="PNG (docs/images/frontier.png)")
    options = parser.parse_args(arguments)
    program.need("matplotlib")
    rows, measured = load(options.results, options.net)
    if not rows:
        raise ValueError(f"{options.results} has no runs of {options.net}")
    draw(by_bytes(rows, measured, options.net), by_peak(rows, measured, options.net), options.net, options.out)
    print(f"written to {options.out}")


def load(folder, net):
    """({row: list of (accuracy in %, ratio of bytes), a seed each}, {strategy: figures} or {} where none are there)."""
    rows, starts = defaultdict(list), NETS[net]
    for name, run in json.loads((folder / "deep_study.json").read_text(encoding="utf-8")).items():
        row = name.rpartition(", seed ")[0]
        if row == starts[1] or f"{row}, ".startswith(starts[0]):
            rows[row].append((100 * run["accuracy"], run["ratio"]))
    path = folder / "memory.json"
    measured = json.loads(path.read_text(encoding="utf-8"))["nets"].get(net, {}) if path.exists() else {}
    return rows, {name: figures for name, figures in measured.items() if "refused" not in figures}


def point(name, runs, memory):
    accuracies = [accuracy for accuracy, _ in runs]
    return Point(name, memory, float(np.mean(accuracies)), min(accuracies), max(accuracies))


def by_bytes(rows, measured, net):
    """Points whose memory is the saved bytes, relative to those of PyTorch's plain net."""
    twin = rows.get(NETS[net][1], [])
    points = [point(name, runs, float(np.mean([ratio for _, ratio in runs]))) for name, runs in rows.items()]
    points += [point("PyTorch", twin, 1.0)] if twin else []
    plain = measured.get("torch")
    if twin and plain:
        points += [point(shown, twin, measured[way]["highest"] / plain["saved"])
                   for way, shown in EXACT.items() if way in measured and way != "torch"]  # fmt: skip
    return points


def by_peak(rows, measured, net):
    """Points whose memory is the peak of a step, relative to that of PyTorch's plain net."""
    if not measured.get("torch", {}).get("peak"):
        return []
    whole, twin = measured["torch"]["peak"], rows.get(NETS[net][1], [])
    points = [point(row, rows[row], measured[way]["peak"] / whole)
              for row, (own, way) in WAYS.items() if own == net and row in rows and way in measured]  # fmt: skip
    return points + [point(shown, twin, measured[way]["peak"] / whole)
                     for way, shown in EXACT.items() if way in measured and twin]  # fmt: skip


def front(points):
    """The points that no other beats in both: from little memory to much, each with more accuracy than the last."""
    best, kept = -np.inf, []
    for each in sorted(points, key=lambda p: (p.memory, -p.accuracy)):
        if each.accuracy > best:
            best = each.accuracy
            kept.append(each)
    return kept


def draw(left, right, net, path):
    """One panel for each list that has points. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels = {"saved bytes": left, "measured peak of a step": right}
    panels = [(points, label) for label, points in labels.items() if points]
    figure = Figure(figsize=(9 * len(panels), 7), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    for axes, (points, label) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        top = max(each.high for each in points)
        shown = [each for each in points if each.accuracy > top - SHOWN]
        line = front(shown)
        axes.step([p.memory for p in line], [p.accuracy for p in line], where="post", color="#6b7280", lw=1,
                  label="Pareto front")  # fmt: skip
        for each in shown:
            bar = [[each.accuracy - each.low], [each.high - each.accuracy]]
            axes.errorbar(each.memory, each.accuracy, bar if each.high > each.low else None, fmt="o", ms=5, capsize=2,
                          color=COLOURS[each.kind], elinewidth=0.8)  # fmt: skip
        for kind, colour in COLOURS.items():
            axes.plot([], [], "o", color=colour, label=kind if kind == "PyTorch" else f"{kind} net")
        axes.set(xscale="log", xlabel=f"{label} / PyTorch's plain net", ylabel="test accuracy, %", title=net)
        missing = [f"{each.name}, {each.accuracy:.0f} %" for each in points if each not in shown]
        if missing:
            axes.text(0, -0.12, "below: " + "; ".join(missing), transform=axes.transAxes, fontsize=7)
        axes.margins(0.12)
        plots.label_points(axes, [(each.name, each.memory, each.accuracy) for each in shown])
        axes.grid(alpha=0.25, which="both")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right", fontsize=8)
    write_atomically(path, lambda file: figure.savefig(file, format="png"))


if __name__ == "__main__":
    sys.exit(program.guarded(main))
