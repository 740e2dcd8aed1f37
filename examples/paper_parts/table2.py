"""Table 2: ways to save memory on VGG and DenseNet: accuracy beside saved bytes and the measured peak of a step."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from paper_parts import drawing, runs
from paper_parts.runs import Run, Runs
from paper_parts.scale import TWIN, Scale
from paper_parts.section import Part, Section, percent, ratio
from specframe.training import plots

NETS = {"vgg16": "VGG", "densenet": "DenseNet"}
PLAIN = "plain"
WAYS: dict[str, tuple[str, dict[str, object]]] = {  # name: (prefix of the net, options)
    PLAIN: ("", {**TWIN}),
    "InPlace-ABN": ("", {"in_place": True}),
    "recomputation": ("", {"slices": 1}),
    "recomputation in 8 slices": ("", {"slices": 8}),
    "offload": ("", {"store": "offload"}),
    "8-bit values": ("", {"store": "quant8"}),
    "4-bit values": ("", {"store": "quant4"}),
    "top-k, a tenth in 8 bits": ("", {"store": "topk:0.1:int8"}),
    "SpecNet, beta 0.5": ("spec", {"beta": 0.5}),
    "SpecNet, beta 0.2": ("spec", {"beta": 0.2}),
    "SpecNet, beta 0.2, 4-bit values": ("spec", {"beta": 0.2, "store": "mask4"}),
}
PRINTED = [
    "Memory relative to the original, the least at 90 % on CIFAR-10 or more, VGG / DenseNet:",
    "InPlace-ABN 0.52 / 0.58", "Chen Meng et al. 0.65 / 0.55", "Memory-Efficient DenseNets - / 0.44",
    "vDNN 0.38 / 0.39", "SpecNet 0.37 / 0.37",
]  # fmt: skip
Key = tuple[str, str]


def plan(scale: Scale, data: Sequence[str]) -> Mapping[Key, Run]:
    name = next((name for name in ("cifar10", "svhn", "digits") if name in data), None)
    if name is None:
        return {}
    nets = NETS if name != "digits" else ["densenet"]
    return {(net, way): runs.make(scale, prefix + net, name, more)
            for net in nets for way, (prefix, more) in WAYS.items()}  # fmt: skip


def show(scale: Scale, wanted: Mapping[Key, Run], done: Runs, folder: Path) -> Section:
    rows, nets = [], list(dict.fromkeys(net for net, _ in wanted))
    points: dict[str, list[tuple[str, float, float]]] = {}
    figure, axes = drawing.panels(1, max(1, len(nets)), 6.5, 4.5)
    for (net, way), run in wanted.items():
        own, plain = done.result(run), done.result(wanted[net, PLAIN])
        saved, peak = (own[key] / plain[key] for key in ("saved_bytes", "peak_bytes"))
        rows.append((NETS[net], way, percent(own["test_accuracy"]), f"{own['saved_bytes'] / 1e6:.2f}", ratio(saved),
                     f"{own['peak_bytes'] / 1e6:.2f}", ratio(peak), f"{own['seconds_per_epoch']:.1f}"))  # fmt: skip
        panel, place = axes[0, nets.index(net)], (saved, 100 * own["test_accuracy"])
        panel.plot(*place, "o" if way.startswith("SpecNet") else "s", color="#c2410c" if "Spec" in way else "#1d4ed8")
        panel.set(title=NETS[net], xlabel="saved bytes / plain", ylabel="test accuracy, %")
        points.setdefault(net, []).append((way, *place))
    for panel, net in zip(axes[0], nets, strict=False):
        panel.set_xlim(0, 1.4)
        plots.label_points(panel, points[net])
    notes = ["Plain is this engine's twin with dense values, which keeps about half of what PyTorch's does "
             "(docs/memory.md). Recomputation and slices: the bytes at the end of the forward."]  # fmt: skip
    head = ("net", "way", "accuracy, %", "saved, MB", "/ plain", "peak, MB", "/ plain", "seconds an epoch")
    picture = drawing.save(figure, folder / "table2.png") if rows else None
    return Section("table2", "Table 2: ways to save memory", PRINTED, head, rows, picture, notes)


PART = Part(plan, show)
