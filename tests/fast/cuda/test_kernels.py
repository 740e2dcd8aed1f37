"""Every kernel compiles for old and new cards, and says nothing that a compiler on the CPU would warn of."""

import importlib
import pkgutil

import pytest

import specframe
from specframe.backend import Kernel
from specframe.optim import sgd_kernel
from tests.kit import nvrtc, shim


def every_kernel():
    """By name; from all modules that may hold some."""
    folders = (specframe.backend, specframe.fast.cuda, specframe.fast)
    names = {info.name for folder in folders for info in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}.")}
    modules = [sgd_kernel, *map(importlib.import_module, sorted(names))]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Kernel)}
    return sorted(found, key=lambda kernel: kernel.name)


KERNELS = every_kernel()


def test_names_are_unlike():
    assert len({kernel.name for kernel in KERNELS}) == len(KERNELS) >= 18


@pytest.mark.skipif(nvrtc.library() is None, reason=nvrtc.WHY_NOT)
@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("architecture", ["sm_70", "sm_90"])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_a_kernel_compiles_for_a_card(kernel, architecture, real):
    code, log = nvrtc.compiled(kernel.source(real), architecture)
    assert code.startswith(b"\x7fELF") and kernel.name.encode() in code, log
    assert not log


@pytest.mark.skipif(nvrtc.library() is None, reason=nvrtc.WHY_NOT)
def test_a_mistake_is_found_in_its_line():
    broken = Kernel("broken", 'extern "C" __global__ void broken(real *x) { x[0] = missing; }')
    code, log = nvrtc.compiled(broken.source("float32"), "sm_90")
    assert not code and 'identifier "missing" is undefined' in log


@pytest.mark.skipif(shim.COMPILER is None, reason=shim.WHY_NOT)
@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_a_kernel_compiles_for_the_cpu_without_a_warning(kernel, real):
    shim.compiled(kernel, "f" if real == "float32" else "d")
