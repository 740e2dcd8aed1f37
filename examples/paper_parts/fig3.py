"""Fig. 3: memory and error of four spectral nets against beta, relative to their twins, a panel a data set."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from paper_parts import drawing, runs
from paper_parts.runs import Run, Runs
from paper_parts.scale import NETS, TWIN, Scale, fits
from paper_parts.section import Part, Section, percent, ratio

PRINTED = [
    "Four nets on MNIST, CIFAR-10 and SVHN, beta from 0.5 to 1.5.",
    "Memory falls monotonically with beta, and is at most half of the original's for every net.",
    "The error grows with beta; accuracy above 95 % is named for beta below 1 (docs/errata.md doubts it).",
]
Key = tuple[str, str, float | None]  # data set, net, beta; None is the twin


POINTS = 5  # of accuracy that beta 1 may cost before the figure counts as refuted


def accuracy(done: Runs, run: Run) -> float:
    return 100 * float(done.result(run)["test_accuracy"])


def plan(scale: Scale, data: Sequence[str]) -> Mapping[Key, Run]:
    wanted: dict[Key, Run] = {}
    for name in data:
        for net in NETS:
            if fits(net, name):
                wanted[name, net, None] = runs.make(scale, net, name, TWIN)
                for beta in scale.betas:
                    wanted[name, net, beta] = runs.make(scale, f"spec{net}", name, {"beta": beta})
    return wanted


def show(scale: Scale, wanted: Mapping[Key, Run], done: Runs, folder: Path) -> Section:
    rows: list[tuple[object, ...]] = []
    curves: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for (name, net, beta), run in wanted.items():
        if beta is None:
            continue
        own, twin = done.result(run), done.result(wanted[name, net, None])
        memory = own["saved_bytes"] / twin["saved_bytes"]
        error = (1 - own["test_accuracy"]) / max(1 - twin["test_accuracy"], 1e-9)
        accuracies = percent(own["test_accuracy"]), percent(twin["test_accuracy"])
        rows.append((name, NETS[net], beta, ratio(memory), ratio(error), *accuracies))
        curves.setdefault((name, net), []).append((beta, memory, error))
    data = list(dict.fromkeys(name for name, _ in curves))
    figure, axes = drawing.panels(2, len(data))
    for (name, net), points in curves.items():
        betas, memory, error = zip(*points, strict=True)
        above, below = axes[:, data.index(name)]
        drawing.line(above, betas, memory, NETS[net])
        drawing.line(below, betas, error, NETS[net])
        above.set(title=name, ylabel="saved bytes / twin")
        below.set(xlabel="beta", ylabel="error / twin")
    falling = [f"{NETS[net]} on {name}" for (name, net), points in curves.items()
               if any(b[1] > a[1] for a, b in pairwise(points))]  # fmt: skip
    note = "Memory is not monotone for: " + ", ".join(falling) if falling else "Memory is monotone in beta everywhere."
    worse = [
        f"{NETS[net]} on {name} at beta {beta:g}"
        for (name, net, beta), run in wanted.items()
        if beta is not None and beta <= 1 and accuracy(done, wanted[name, net, None]) - accuracy(done, run) > POINTS
    ]
    worst = f"More than {POINTS} points below the twin up to beta 1: {', '.join(worse) or 'none'}."
    head = ("data", "net", "beta", "saved / twin", "error / twin", "accuracy, %", "twin, %")
    picture = drawing.save(figure, folder / "fig3.png", from_zero=True)
    return Section("fig3", "Fig. 3: memory and error against beta", PRINTED, head, rows, picture, [note, worst])


PART = Part(plan, show)
