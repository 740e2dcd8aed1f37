"""summary: the layers in the order in which they run, and totals that are right."""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.layers import BatchNorm2d, Dropout, Flatten, Linear, Module, Parameter, Sequential
from specframe.models import LeNet5, SpecLeNet5, summary


@pytest.mark.parametrize("net", [LeNet5, SpecLeNet5])
def test_layers_parameters_and_bytes_add_up(net):
    model = net()
    rows = [line.split() for line in summary(model, (4, 1, 28, 28)).splitlines()]
    assert rows[0] == ["layer", "kind", "output", "parameters", "saved,", "bytes"]
    assert [row[0] for row in rows[1:-2]] == ["conv1", "pool", "conv2", "pool", "flatten", "fc1", "fc2", "fc3"]
    assert rows[-2][:2] == [net.__name__, "4x10"]  # the model itself: what its own tanh saved
    assert rows[1][2] == "28x28x4x6" and rows[5][2] == "4x784"
    numbers = [[int(cell.replace(",", "")) for cell in row[-2:]] for row in rows[1:]]
    assert numbers[-1][0] == sum(p.size for p in model.parameters()) == sum(n[0] for n in numbers[:-1])
    assert numbers[-1][1] == sum(n[1] for n in numbers[:-1])

    x = np.random.default_rng(0).standard_normal((28, 28, 4, 1)).astype(np.float32)
    with sf.Tape() as tape:
        ops.sum(model(sf.Tensor(x)))
    assert numbers[-1][1] == tape.ledger.nbytes


def test_each_line_counts_what_its_module_saved_and_owns_without_those_inside():
    class Net(Module):
        def __init__(self):
            self.block = Sequential(Linear(4, 8), Linear(8, 8, bias=False))
            self.scale = Parameter(np.ones(8, np.float32))

        def forward(self, x):
            return ops.relu(self.block(ops.reshape(x, (2, 4)))) * self.scale

    lines = [line.split() for line in summary(Net(), (2, 1, 2, 2), store="dense").splitlines()[1:]]
    assert lines == [
        ["block.0", "Linear", "2x8", "40", "0"],  # the batch is the caller's
        ["block.1", "Linear", "2x8", "64", "64"],
        ["Net", "2x8", "8", "66"],  # two bytes of relu's signs, and its result for the product
        ["total", "112", "130"],
    ]


def test_a_summary_changes_nothing():
    model = Sequential(BatchNorm2d(2), Flatten(), Dropout(), Linear(18, 3))
    before = model.state_dict()
    summary(model, (2, 2, 3, 3))
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_store_and_recompute_are_passed_on():
    def total(**options):
        return int(summary(SpecLeNet5(), (2, 1, 28, 28), **options).split()[-1].replace(",", ""))

    assert total(recompute="block") < total() < total(store="dense")
