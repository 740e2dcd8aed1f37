"""CuPy itself, where it is installed, runs our CUDA backend on the CPU: cupy_driver.py."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.kit import shim

ROOT = Path(__file__).parents[2]
NEEDED = ("cupy", "nvidia.cuda_nvrtc", "nvidia.cuda_runtime", "nvidia.cuda_nvcc")


def missing(name):
    try:
        return find_spec(name) is None
    except ModuleNotFoundError:
        return True


@pytest.mark.skipif(any(map(missing, NEEDED)), reason="CuPy or NVIDIA's compiler is missing: tests/kit/cupy_driver.py")
@pytest.mark.skipif(shim.COMPILER is None, reason=shim.WHY_NOT)
def test_the_tests_of_the_backend_pass_on_cupy_itself():
    command = ["-m", "pytest", "-p", "tests.kit.cupy_driver", "-k", "cuda", "tests/test_backend.py"]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    passed = re.search(r"^(\d+) passed(?!.*skipped)", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and passed and int(passed[1]) > 100, done.stdout[-3000:]
