"""Scripts as modules, whose functions a test calls in its own process, their folder on the path as in a run."""

import contextlib
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def loaded(*scripts):
    """The module of each script, named as in "examples/train.py"; one alone where there is one."""
    folder = str((ROOT / scripts[0]).parent)
    sys.path.insert(0, folder)
    try:
        modules = [_load(ROOT / script) for script in scripts]
        yield modules[0] if len(modules) == 1 else modules
    finally:
        sys.path.remove(folder)


def _load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
