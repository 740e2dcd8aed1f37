"""Fig. 2: maps after SpecDenseNet's first convolution, in the spectrum and in space, at several thresholds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import train
from networks import build
from predict import Trained

from paper_parts import runs
from paper_parts.runs import Run, Runs
from paper_parts.scale import Scale
from paper_parts.section import Part, Section, percent
from specframe.data import open_dataset
from specframe.layers import SpectralBlock
from specframe.training import plots

BETAS = (0.0, 0.5, 1.0, 1.5)
PRINTED = [
    "Maps of SpecDenseNet after its first convolution, two kernels, beta 0.5 and 1.5 among them.",
    "In the spectrum the maps become sparse; in space they hardly change.",
]


def plan(scale: Scale, data: Sequence[str]) -> Mapping[str, Run]:
    name = next((name for name in data if name != "mnist"), data[0])
    net = "specdensenet" if name != "mnist" else "speclenet5"
    return {name: runs.make(scale, net, name, {"beta": 0.5})}


def show(scale: Scale, wanted: Mapping[str, Run], done: Runs, folder: Path) -> Section:
    ((name, run),) = wanted.items()
    saved = train.load_run(done.path(run) / "checkpoint.npz")
    option = saved["options"]
    shape = Trained(option).shape
    net = build(option["model"], option, shape[0], shape[1])
    net.load_state_dict(saved["nets"]["spectral"]["model"])
    block = next(part for part in net.modules() if isinstance(part, SpectralBlock))
    place = [arg.removeprefix("--data-dir=") for arg in done.place if arg.startswith("--data-dir=")]
    image = open_dataset(name, "test", place[0] if place else None).images[0]
    rows = []
    exact = plots.first_layer_maps(block, image, 0.0)[1]
    for beta in BETAS:
        Z, y = plots.first_layer_maps(block, image, beta)
        change = float(((y - exact) ** 2).sum() / (exact**2).sum()) ** 0.5
        rows.append((beta, percent(float((Z != 0).mean())), percent(change)))
    picture = folder / "fig2.png"
    plots.spectra(picture, block, image, BETAS)
    head = ("beta", "stored, %", "change in space (rms, relative to beta 0), %")
    return Section("fig2", "Fig. 2: maps after the first convolution", PRINTED, head, rows, picture, [run.command])


PART = Part(plan, show)
