"""A step on a GPU stays below its ceiling of launches, waits for the device twice, and uploads the batch alone."""

import pytest

from benchmarks import launches
from tests.kit import shim

pytestmark = pytest.mark.skipif(shim.COMPILER is None, reason=shim.WHY_NOT)
CEILINGS = {"SpecLeNet5": 120, "LeNet5": 85, "SpecVGG16": 530, "VGG16": 440}


@pytest.mark.parametrize("name", CEILINGS)
def test_a_step_asks_little_of_the_device(name):
    step = launches.of_step(name)
    assert step.launches <= CEILINGS[name]
    assert (step.waits, step.uploads) == (2, 0)


@pytest.mark.parametrize("name", launches.OPS)
def test_no_body_for_cuda_launches_more_than_the_plain_one(name):
    assert sum(launches.of_op(name, plain=False)) <= sum(launches.of_op(name, plain=True))


def test_the_command_prints_a_table(capsys):
    launches.main(["--nets", "LeNet5"])
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| net | launches | copies | waits | uploads |" and row.startswith("| LeNet5 | ")
