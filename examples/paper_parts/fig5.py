"""Fig. 5: training curves of spectral nets and their twins."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from paper_parts import drawing, runs
from paper_parts.runs import Run, Runs
from paper_parts.scale import NETS, TWIN, Scale, fits
from paper_parts.section import Part, Section, percent

PRINTED = [
    "Training curves of LeNet, AlexNet and VGG-16 on CIFAR-10, each with its spectral net.",
    "The spectral nets converge about as fast as their twins.",
]
Key = tuple[str, str]


def plan(scale: Scale, data: Sequence[str]) -> Mapping[Key, Run]:
    name = next((name for name in ("cifar10", "svhn") if name in data), data[0])
    nets = [net for net in NETS if fits(net, name) and (net != "densenet" or name == "digits")]
    return {
        (name, full): runs.make(scale, full, name, {"beta": 0.5} if full.startswith("spec") else TWIN)
        for net in nets for full in (net, f"spec{net}")
    }  # fmt: skip


def show(scale: Scale, wanted: Mapping[Key, Run], done: Runs, folder: Path) -> Section:
    rows = []
    figure, axes = drawing.panels(1, 2, 5.5, 4)
    for (name, net), run in wanted.items():
        history, spectral = done.result(run)["history"], net.startswith("spec")
        shown = "Spec" * spectral + NETS[net.removeprefix("spec")]
        epochs = [epoch["epoch"] for epoch in history]
        for panel, key, factor in ((axes[0, 0], "train_loss", 1), (axes[0, 1], "test_accuracy", 100)):
            values = [factor * epoch[key] for epoch in history]
            drawing.line(panel, epochs, values, shown, linestyle="-" if spectral else "--")
        axes[0, 0].set(xlabel="epoch", ylabel="training loss", title=name)
        axes[0, 1].set(xlabel="epoch", ylabel="test accuracy, %", title=name)
        rows += [(name, shown, e["epoch"], f"{e['train_loss']:.4f}", percent(e["test_accuracy"]),
                  f"{e['seconds']:.1f}") for e in history]  # fmt: skip
    picture = drawing.save(figure, folder / "fig5.png")
    head = ("data", "net", "epoch", "training loss", "accuracy, %", "seconds")
    return Section("fig5", "Fig. 5: training curves", PRINTED, head, rows, picture)


PART = Part(plan, show)
