"""How large the runs are: minutes, an evening on two cores, or the paper's own 300 epochs for a GPU."""

from dataclasses import dataclass
from typing import Any

from specframe.data import DATASETS, DataError

NETS = {"lenet5": "LeNet", "alexnet": "AlexNet", "vgg16": "VGG", "densenet": "DenseNet"}  # as the paper calls them
TWIN = {"store": "dense"}  # what "the original" is in the figures: it keeps its maps as they are
DEEP_DATA = ("cifar10", "svhn")
COST = {"lenet5": 1, "alexnet": 2, "vgg16": 9, "densenet": 17, "resnet": 9}  # of an image, roughly, at width 0.25


@dataclass(frozen=True)
class Scale:
    """Sizes of the runs.

    Attributes
    ----------
    name : "quick", "evening" or "full"
    images : dict, (training, test) images of each data set; None is all
    epochs : dict, by data set
    width : float, of the deep nets
    betas : of Fig. 3
    flags : further options of examples/train.py
    remark : what a reader of the report should know
    """

    name: str
    images: dict[str, tuple[int | None, int | None]]
    epochs: dict[str, int]
    width: float
    betas: tuple[float, ...]
    flags: tuple[str, ...] = ()
    remark: str = ""

    def options(self, net: str, data: str) -> list[str]:
        """Those of examples/train.py that all runs of a net on a data set share."""
        train, test = self.images[data]
        given: dict[str, float | None] = {"--epochs": self.epochs[data], "--train-size": train, "--test-size": test}
        if not net.endswith("lenet5"):
            given["--width"] = self.width
        return [f"{flag}={value:g}" for flag, value in given.items() if value is not None] + list(self.flags)

    def cost(self, net: str, data: str) -> float:
        """How long such a run takes, relative to others."""
        each = COST[net.removeprefix("spec")] * (1 if net.endswith("lenet5") else 16 * self.width**2)
        return each * self.epochs[data] * (self.images[data][0] or 50_000)


QUICK = Scale(
    "quick",
    {"mnist": (2000, 1000), "cifar10": (1024, 500), "svhn": (1024, 500), "digits": (None, None)},
    {"mnist": 4, "cifar10": 4, "svhn": 4, "digits": 6},
    0.125, (0.5, 1.0, 1.5), remark="The nets have hardly begun to learn: this shows that everything runs, no more.",
)  # fmt: skip
EVENING = Scale(
    "evening",
    {"mnist": (None, None), "cifar10": (10_000, None), "svhn": (10_000, 10_000), "digits": (None, None)},
    {"mnist": 5, "cifar10": 10, "svhn": 10, "digits": 40},
    0.25, (0.5, 0.7, 1.0, 1.25, 1.5),
)  # fmt: skip
FULL = Scale(
    "full", dict.fromkeys(("mnist", "cifar10", "svhn", "digits"), (None, None)),
    dict.fromkeys(("mnist", "cifar10", "svhn", "digits"), 300), 1.0, (0.5, 0.7, 0.9, 1.1, 1.3, 1.5), ("--paper",),
)  # fmt: skip


def available(data_dir: str | None) -> list[str]:
    """Of the paper's data sets, those whose files are here; the bundled digits where none is."""
    found = []
    for name in ("mnist", *DEEP_DATA):
        try:
            kind: Any = DATASETS[name]
            kind("test", data_dir, download=False)
        except DataError:
            continue
        found.append(name)
    return found or ["digits"]


def fits(net: str, data: str) -> bool:
    """Whether a net is trained on a data set: deep nets want 32 x 32 images, but for DenseNet, which takes any."""
    small = data in ("mnist", "digits")
    return net == "lenet5" or not small or (data == "digits" and net == "densenet")
