"""A step on a GPU stays below its ceiling of launches, waits for the device twice, and uploads the batch alone."""

import pytest

from benchmarks import launches
from specframe import backend
from tests.kit import shim
from tests.kit.strict import STRICT

pytestmark = pytest.mark.skipif(shim.COMPILER is None, reason=shim.WHY_NOT)
CEILINGS = {"SpecLeNet5": 118, "LeNet5": 83, "SpecVGG16": 483, "VGG16": 394}
PEAKS = {"SpecLeNet5": (64, 1.0), "LeNet5": (64, 1.4), "SpecVGG16": (16, 1.1), "VGG16": (16, 1.35)}


@pytest.mark.parametrize("name", CEILINGS)
def test_a_step_asks_little_of_the_device(name):
    step = launches.of_step(name)
    assert step.launches <= CEILINGS[name]
    assert (step.waits, step.uploads) == (2, 0)


@pytest.mark.parametrize("name", PEAKS)
def test_a_step_needs_little_more_memory_than_on_the_cpu(name):
    images, ratio = PEAKS[name]
    assert launches.peak(name, images, STRICT) <= ratio * launches.peak(name, images, backend.get("cpu"))


@pytest.mark.parametrize("name", launches.OPS)
def test_no_body_for_cuda_launches_more_than_the_plain_one(name):
    assert sum(launches.of_op(name, plain=False)) <= sum(launches.of_op(name, plain=True))


def test_the_command_prints_a_table(capsys):
    launches.main(["--nets", "LeNet5"])
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| net | launches | copies | waits | uploads |" and row.startswith("| LeNet5 | ")
