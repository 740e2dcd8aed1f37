"""Table 1: DenseNet and SpecDenseNet, layer by layer, as they are here with the paper's settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from paper_parts.runs import Run, Runs
from paper_parts.scale import Scale
from paper_parts.section import Part, Section
from specframe.models import DenseNet, SpecDenseNet, summary

PRINTED = [
    "DenseNet: 32 x 32, max-pool to 16 x 16, 6 x [1 x 1 and 3 x 3 convolution], global average, 10 classes.",
    "SpecDenseNet: grids of 35 x 35 and 19 x 19, 64 kernels a convolution, maps of 32 x 32 and 16 x 16 in space.",
]


def plan(scale: Scale, data: Sequence[str]) -> Mapping[str, Run]:
    return {}


def show(scale: Scale, wanted: Mapping[str, Run], done: Runs, folder: Path) -> Section:
    rows = []
    for net in (DenseNet(), SpecDenseNet(paper_strict=True)):
        for text in summary(net, (4, 3, 32, 32)).splitlines()[1:-2]:  # without the net itself and the total
            layer, kind, output, parameters, _ = text.split()
            if kind != "ConvNormAct":  # its convolution and its normalisation have a line each
                one = output.replace("x4x", "x").removeprefix("4x")
                rows.append((type(net).__name__, layer, kind, one, parameters))
    notes = ["Rows x columns x channels; of spectra the half that is kept, 19 x 10 of 19 x 19."]
    head = ("net", "layer", "kind", "output", "parameters")
    return Section("table1", "Table 1: DenseNet and SpecDenseNet", PRINTED, head, rows, None, notes)


PART = Part(plan, show)
