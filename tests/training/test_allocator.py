"""resident_bytes: what the system says this process holds."""

import os
import pathlib
import subprocess
import sys

import pytest

from specframe.training.allocator import resident_bytes


def test_resident_bytes_hold_at_least_the_interpreter_where_the_system_says():
    resident = resident_bytes()
    assert resident == 0 or 5e6 < resident < 1e12


def test_resident_bytes_grow_with_a_touched_allocation():
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("this system does not say how much memory is resident")
    # In a process of its own: here, memory freed by other tests would be resident already.
    code = (
        "import numpy as np; from specframe.training.allocator import resident_bytes; "
        "import specframe; before = resident_bytes(); "
        "held = np.ones(16_000_000); assert resident_bytes() - before > 0.9 * held.nbytes"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=pathlib.Path(__file__).parents[1])
