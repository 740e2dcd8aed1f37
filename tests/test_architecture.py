"""The rooms of the house: imports point down, and the engine knows nothing of speed and of the laboratory."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# From the ground up: a module imports its own row and the rows before it. specframe/__init__ wires them together.
ROWS = [
    ["spectrum", "grids", "backend", "random", "nested", "atomic"],
    ["parts"],
    ["methods", "arrays", "tensor"],
    ["op", "bodies"],
    ["saving"],
    ["recording", "record", "tape"],
    ["ops", "gradcheck", "creation", "safetensors", "files"],
    ["fast"],
    ["memory"],
    ["layers"],
    ["models"],
    ["optim", "data"],
    ["training"],
    ["exercises"],
]
LEVEL = {name: level for level, row in enumerate(ROWS) for name in row}
BESIDE = ("layers", "models", "optim", "data", "training", "exercises")


def modules():
    """(room, path) of every module of the package but specframe/__init__.py."""
    for folder in ("specframe", *BESIDE):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT).with_suffix("").parts
            room = inside[0] if folder != "specframe" else inside[1]
            if path != ROOT / "specframe" / "__init__.py":
                yield room, path


def imported(path):
    """Dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(path):
    return {name.split(".")[1] for name in imported(path) if name.startswith("specframe.")} & LEVEL.keys()


def test_every_room_has_its_place():
    assert {room for room, _ in modules()} == LEVEL.keys()


@pytest.mark.parametrize(("room", "path"), list(modules()), ids=lambda value: str(getattr(value, "stem", value)))
def test_imports_point_down(room, path):
    above = {other for other in rooms_of(path) if LEVEL[other] > LEVEL[room]}
    assert not above, f"{path.relative_to(ROOT)} imports {', '.join(sorted(above))} from above"


def test_the_engine_and_the_ops_know_neither_the_fast_bodies_nor_the_laboratory():
    for room, path in modules():
        if LEVEL[room] <= LEVEL["ops"]:
            assert not rooms_of(path) & {"fast", "memory"}, path


def run(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_laboratory_is_imported_when_one_of_its_names_is_first_used():
    everything = "import specframe as sf, " + ", ".join(f"specframe.{name}" for name in BESIDE)
    loaded = "print('specframe.memory' in sys.modules)"
    for use in ("sf.checkpoint", "sf.memory", "sf.Tape(store='mask8')", "sf.saving.get_store('offload')"):
        assert run(f"import sys; {everything}; {loaded}; {use}; {loaded}").split() == ["False", "True"], use


def test_importing_changes_nothing_in_the_process():
    """No setting of the allocator, no signal handler, no thread, no environment variable, no state of a generator."""
    code = """
import ctypes, os, random, signal, threading
import numpy as np
called = []
ctypes.CDLL = lambda *a, **k: called.append(a)
def state():
    return (dict(os.environ), [signal.getsignal(n) for n in (2, 15)], threading.enumerate(), np.geterr(),
            random.getstate(), np.random.get_state()[1].tobytes())
before = state()
import specframe, specframe.layers, specframe.models, specframe.optim, specframe.data, specframe.training
assert state() == before and not called, called
"""
    run(code)
