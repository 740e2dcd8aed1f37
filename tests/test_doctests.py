"""The examples in the docstrings run, each module under the name by which users import it.

pytest's own --doctest-modules would import `layers/conv.py` a second time, as `layers.conv`: other classes of the same
name, for which isinstance fails.
"""

import doctest
import importlib
from pathlib import Path

import pytest


def modules(package):
    """Dotted names of a package and of all modules in its folder."""
    folder = Path(importlib.import_module(package).__file__).parent
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join((package, *(part for part in parts if part != "__init__")))


BESIDE = ("layers", "models", "optim", "data", "training", "exercises")
PACKAGES = ["specframe", *(f"specframe.{name}" for name in BESIDE)]


@pytest.mark.parametrize("name", sorted({name for package in PACKAGES for name in modules(package)}))
def test_the_module_imports_and_its_examples_run(name):
    if name == "specframe.models.torch_modules":
        pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")
    assert doctest.testmod(importlib.import_module(name)).failed == 0
