"""docs/gpu.md: its tables hold what its commands print, and name the bodies that there are."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import launches
from specframe import backend
from specframe.layers import Parameter
from specframe.optim import SGD
from tests.kit import costs, shim
from tests.kit.strict import STRICT

pytestmark = pytest.mark.skipif(shim.COMPILER is None, reason=shim.WHY_NOT)
PAGE = (Path(__file__).parents[2] / "docs/gpu.md").read_text(encoding="utf-8")


def rows(head):
    """{first column: (the others)} of the table that begins so."""
    (table,) = re.findall(rf"^\| {re.escape(head)}.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return {
        line[0]: line[1:]
        for line in ([cell.strip() for cell in row.split("|")[1:-1]] for row in table.split("\n") if row)
    }


BODIES = rows("op | CPU | CUDA")


def test_every_body_for_cuda_has_its_row_and_plain_is_written_where_the_cpu_has_none():
    names = {op.name: op for op in backend.CUDA.bodies}
    assert BODIES.keys() - {"SGD, for 40 parameters"} == names.keys() == launches.OPS.keys()
    for name, op in names.items():
        assert (BODIES[name][0] == "plain") == (op not in backend.CPU.bodies), name


@pytest.mark.parametrize("name", launches.OPS)
def test_launches_of_an_op_are_those_of_its_row(name):
    counted = ["{} + {}".format(*launches.of_op(name, plain)) for plain in (True, False)]
    assert BODIES[name][2:] == counted


def test_launches_of_sgd_are_those_of_its_row():
    counted = []
    for has_kernels in (False, True):
        parameters = [Parameter(STRICT.xp.ones(3, "float32")) for _ in range(40)]
        optimizer = SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(STRICT), "has_kernels", has_kernels)
            for _ in range(2):  # the first makes the velocities
                for parameter in parameters:
                    parameter.grad = STRICT.xp.ones(3, "float32")
                with costs.count() as step:
                    optimizer.step()
        counted.append(f"{step.launches}")
    assert BODIES["SGD, for 40 parameters"][2:] == counted


@pytest.mark.skipif(np.__version__.startswith("1."), reason="CuPy 14 comes with NumPy 2, whose scalars it counts with")
@pytest.mark.parametrize("row", rows("net | launches"))
def test_a_step_costs_what_its_row_says(row):
    step = launches.of_step(row.split(",")[0])
    assert rows("net | launches")[row][:4] == [f"{n}" for n in (step.launches, step.copies, step.waits, step.uploads)]


def test_the_peaks_are_those_of_the_table():
    table = re.findall(r"^\| (\w+)[^|]*\| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(table) == 5
    for name, images, *numbers in table:
        cpu, cuda = (launches.peak(name, int(images), b) / 1e6 for b in (backend.get("cpu"), STRICT))
        np.testing.assert_allclose([float(n) for n in numbers], [cpu, cuda, cuda / cpu], rtol=0.03, err_msg=name)
