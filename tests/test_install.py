"""The promises of packaging: every install mode gives the same import package, and importing it is light.

Offline and outside the checkout: a copy of the sources is installed into an environment that sees links to the
packages of this one (links, so that an installed specframe of this environment stays out of sight).
"""

import ast
import os
import re
import shutil
import statistics
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUB_PACKAGES = ["layers", "models", "optim", "data", "training", "exercises"]
IMPORT_ALL = "import specframe, " + ", ".join(f"specframe.{name}" for name in SUB_PACKAGES)
MODES = {
    "plain": ["."],
    "editable": ["--editable", "."],
    "editable strict": ["--editable", ".", "--config-settings", "editable_mode=strict"],
}


def run(*command, cwd):
    """Standard output of a command; its whole output goes into the failure message."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module", params=MODES)
def installed(request, tmp_path_factory):
    """(mode, source folder, python, site-packages) after one installation."""
    for module in ("setuptools", "pip"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed, and without it nothing can be installed offline")
    base = tmp_path_factory.mktemp(request.param.replace(" ", "_"))
    source, packages = base / "source", base / "packages"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("specframe", *SUB_PACKAGES):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))

    packages.mkdir()
    for name in ("numpy", "scipy", "tqdm", "setuptools", "_distutils_hack", "pip"):
        if spec := find_spec(name):
            for entry in Path(spec.origin).parent.parent.glob(f"{name}*"):  # with its metadata and shared libraries
                (packages / entry.name).symlink_to(entry)
    venv.create(base / "venv", symlinks=os.name != "nt")
    python = base / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=base))
    (site / "packages.pth").write_text(str(packages))

    run(python, "-m", "pip", "install", "--no-build-isolation", "--no-deps", *MODES[request.param], cwd=source)
    return request.param, source, python, site


def test_all_sub_packages_import_from_the_repository_root_and_from_elsewhere(installed, tmp_path):
    _, source, python, _ = installed
    for cwd in (source, tmp_path):
        run(python, "-c", IMPORT_ALL, cwd=cwd)


def test_the_installed_package_is_the_one_that_was_asked_for(installed, tmp_path):
    mode, source, python, site = installed
    origin = Path(run(python, "-c", "import specframe.layers as m; print(m.__file__)", cwd=tmp_path)).resolve()
    assert origin.is_relative_to((site if mode == "plain" else source).resolve())


def test_nothing_but_specframe_lands_at_the_top_of_site_packages(installed, tmp_path):
    _, _, python, site = installed
    assert not {path.stem for path in site.iterdir()} & {*SUB_PACKAGES, "tests", "examples", "benchmarks", "docs"}
    names = [*SUB_PACKAGES, "tests", "examples", "benchmarks"]
    found = f"from importlib.util import find_spec; print([n for n in {names} if find_spec(n)])"
    assert run(python, "-c", found, cwd=tmp_path) == "[]"


def test_every_module_and_data_file_is_installed(installed):
    mode, source, _, site = installed
    if mode != "plain":
        return  # editable: the files are the checkout's own
    folders = {"specframe": "specframe"} | {name: f"specframe/{name}" for name in SUB_PACKAGES}
    for folder, target in folders.items():
        for path in (source / folder).rglob("*"):
            if path.suffix in (".py", ".npz", ".typed"):
                where = site / target / path.relative_to(source / folder)
                assert where.exists(), f"{path.relative_to(source)} is not installed: add it to setup.py"


def test_the_extras_of_a_gpu_ask_for_csr_array_and_the_libraries_that_a_driver_lacks(installed, tmp_path):
    """csr_array came with CuPy 14.2; `ctk` brings cuBLAS, cuFFT, NVRTC and the headers."""
    _, _, python, _ = installed
    read = "from importlib.metadata import requires; print(*requires('specframe'), sep='\\n')"
    asked = run(python, "-c", read, cwd=tmp_path)
    for cuda in ("12", "13"):
        (cupy,) = (line for line in asked.splitlines() if re.search(f"extra == .cuda{cuda}.$", line))
        assert cupy.partition(";")[0].strip() == f"cupy-cuda{cuda}x[ctk]>=14.2"


# ---- importing -------------------------------------------------------------------------------------------------


def test_import_is_fast():
    # Processor time of the importing thread, so that a busy machine does not count. Nearly all of it is NumPy's.
    timed = "import time; import specframe; print(time.thread_time())"
    run(sys.executable, "-c", timed, cwd=ROOT)  # warms the file cache
    assert statistics.median(float(run(sys.executable, "-c", timed, cwd=ROOT)) for _ in range(3)) < 0.5


HEAVY = ["cupy", "cupyx", "torch", "matplotlib", "PIL"]


def test_import_loads_no_heavy_package():
    loaded = f"{IMPORT_ALL}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(sys.executable, "-c", loaded, cwd=ROOT) == "[]"


def test_import_works_where_the_heavy_packages_are_missing():
    blocked = f"import sys; sys.modules.update(dict.fromkeys({HEAVY})); {IMPORT_ALL}; print(specframe.backend.get())"
    assert run(sys.executable, "-c", blocked, cwd=ROOT) == "<specframe backend cpu>"


def test_only_the_backend_imports_cupy():
    importers = set()
    for folder in ("specframe", *SUB_PACKAGES, "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(name.split(".")[0] in ("cupy", "cupyx") for name in names):
                    importers.add(path.relative_to(ROOT).as_posix())
    assert importers == {"specframe/backend/cuda.py"}
