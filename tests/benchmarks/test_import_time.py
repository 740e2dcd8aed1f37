"""benchmarks/import_time.py: figures of fresh processes; and what an import does not bring with it."""

import subprocess
import sys

from benchmarks import import_time


def test_it_prints_a_row_a_module(capsys):
    import_time.main(["--processes", "1"])
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["| numpy", "| specframe", "| specframe.models"]
    assert all(0 < float(row[1]) for row in rows)


def test_importing_specframe_imports_neither_the_layers_nor_an_extra_nor_scipys_larger_parts():
    code = "import sys, specframe; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {"torch", "cupy", "matplotlib", "PIL", "mpi4py", "safetensors", "tqdm", "scipy.optimize", "scipy.stats"}
    rooms = {f"specframe.{name}" for name in ("layers", "models", "optim", "data", "training", "memory")}
    assert not loaded & (heavy | rooms)
