"""What print shows of a module: what is inside, with its settings, parameters and bytes, and totals that are right."""

import numpy as np
import pytest

from specframe import ops
from specframe.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ModuleList,
    Parameter,
    ReLU,
    Sequential,
    SpectralBlock,
    SpectralConv2d,
    SplitActivation,
    Threshold,
)
from specframe.models import VGG16, SpecLeNet5


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (Linear(3, 4), "Linear(3, 4): 16 parameters, 64 bytes"),
        (Linear(3, 4, bias=False, dtype=np.float64), "Linear(3, 4, bias=False): 12 parameters, 96 bytes"),
        (Conv2d(1, 2, (3, 5), 2, "same"), "Conv2d(1, 2, (3, 5), stride=2, padding='same'): 32 parameters, 128 bytes"),
        (BatchNorm2d(3, eps=1e-3), "BatchNorm2d(3, eps=0.001): 6 parameters, 48 bytes"),
        (SpectralBlock(1, 2, 3, scale=4.0), "SpectralBlock(1, 2, 3, scale=4.0): 20 parameters, 80 bytes"),
        (SpectralConv2d(1, 2, 3, stride=2), "SpectralConv2d(1, 2, 3, stride=2): 20 parameters, 80 bytes"),
        (SplitActivation("arctan", 2.0), "SplitActivation('arctan', scale=2.0)"),
        (ReLU(), "ReLU()"),
        (MaxPool2d(), "MaxPool2d(2)"),
        (AvgPool2d((2, 3), stride=1), "AvgPool2d((2, 3), stride=1)"),
        (Threshold(0.2), "Threshold(0.2)"),
        (Dropout(0.3, seed=1), "Dropout(0.3): 0 parameters, 16 bytes"),
        (ModuleList(), "ModuleList()"),
    ],
)
def test_a_layer_is_one_line(module, text):
    assert repr(module) == text


def test_a_net_is_a_table_of_what_is_inside():
    class Net(Module):
        def __init__(self):
            self.features = Sequential(Conv2d(1, 8, 3, rng=0), BatchNorm2d(8), ops.relu)
            self.scale = Parameter(np.ones((1, 8)))
            self.heads = {"cat": [Flatten(), Linear(1000, 4, rng=0)]}

    assert repr(Net()).splitlines() == [
        "Net                             parameters   bytes",
        "  features     Sequential",
        "    0          Conv2d(1, 8, 3)          80     320",
        "    1          BatchNorm2d(8)           16     128",
        "    2          Function(relu)",
        "  scale        Parameter(1, 8)           8      64",
        "  heads.cat.0  Flatten()",
        "  heads.cat.1  Linear(1000, 4)       4,004  16,016",
        "total                                4,108  16,528",
    ]


def test_what_is_inside_twice_is_listed_and_counted_once():
    layer = Linear(2, 2, rng=0)
    lines = repr(Sequential(layer, ReLU(), layer)).splitlines()
    assert len(lines) == 4 and lines[-1].split() == ["total", "6", "24"]


@pytest.mark.parametrize("net", [SpecLeNet5(), VGG16(width=1 / 16)])
def test_lines_add_up_to_what_the_net_has(net):
    *lines, total = repr(net).splitlines()[1:]
    numbers = [[int(cell.replace(",", "")) for cell in line.split()[-2:]] for line in lines if line[-1].isdigit()]
    assert "".join(total.split()).startswith("total")
    count, nbytes = (int(cell.replace(",", "")) for cell in total.split()[1:])
    assert count == net.num_parameters() == sum(own for own, _ in numbers)
    assert nbytes == sum(array.nbytes for array in net.state_dict().values()) == sum(own for _, own in numbers)


def test_a_module_may_say_itself_what_it_shows():
    class Scale(Module):
        def __init__(self, by, name="x", parts=()):
            self.by, self.parts = by, parts

        def forward(self, x):
            return x * self.by

    class Named(Scale):
        def extra_repr(self):
            return f"by {self.by}"

    assert repr(Scale(3)) == "Scale(3)" and repr(Named(3)) == "Named(by 3)"
    assert repr(Scale(list(range(100)))) == "Scale([0, 1, 2, 3, 4, 5, ...])"
    assert repr(Scale(1, parts=[ReLU()])).splitlines()[:2] == [
        "Scale(1)           parameters  bytes",
        "  parts.0  ReLU()",
    ]
