"""Fig. 4: memory by epoch at beta 0.7, relative to the twin."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from paper_parts import drawing, runs
from paper_parts.runs import Run, Runs
from paper_parts.scale import NETS, TWIN, Scale, fits
from paper_parts.section import Part, Section, ratio

BETA = 0.7
PRINTED = [
    "Memory of an epoch at beta 0.7 relative to the original, four nets, three data sets.",
    "It rises with the epochs, and is largest once the net has converged.",
]
Key = tuple[str, str, bool]  # data set, net, whether it is the spectral one


def plan(scale: Scale, data: Sequence[str]) -> Mapping[Key, Run]:
    wanted: dict[Key, Run] = {}
    for name in data:
        for net in NETS:
            if fits(net, name):
                wanted[name, net, True] = runs.make(scale, f"spec{net}", name, {"beta": BETA})
                wanted[name, net, False] = runs.make(scale, net, name, TWIN)
    return wanted


def show(scale: Scale, wanted: Mapping[Key, Run], done: Runs, folder: Path) -> Section:
    rows, rising, data = [], [], list(dict.fromkeys(name for name, _, _ in wanted))
    figure, axes = drawing.panels(1, len(data))
    for (name, net, spectral), run in wanted.items():
        if not spectral:
            continue
        twin = done.result(wanted[name, net, False])["history"]
        points = [(own["epoch"], own["saved_bytes"] / plain["saved_bytes"])
                  for own, plain in zip(done.result(run)["history"], twin, strict=True)]  # fmt: skip
        rows += [(name, NETS[net], epoch, ratio(value)) for epoch, value in points]
        if points[-1][1] == max(value for _, value in points):
            rising.append(f"{NETS[net]} on {name}")
        panel = axes[0, data.index(name)]
        drawing.line(panel, [x for x, _ in points], [y for _, y in points], NETS[net])
        panel.set(title=name, xlabel="epoch", ylabel=f"saved bytes / twin, beta {BETA:g}")
    picture = drawing.save(figure, folder / "fig4.png", from_zero=True)
    head = ("data", "net", "epoch", "saved / twin")
    notes = [f"Largest after the last epoch: {', '.join(rising) or 'nowhere'}."]
    return Section("fig4", "Fig. 4: memory during training", PRINTED, head, rows, picture, notes)


PART = Part(plan, show)
