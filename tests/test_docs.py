"""The documents: every link leads somewhere, and every file, folder and command that they name is there."""

import contextlib
import io
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from specframe.saving import STORES, registry
from specframe.training import Epoch, History, table

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
TOP = (
    "specframe",
    "layers",
    "models",
    "optim",
    "data",
    "training",
    "exercises",
    "examples",
    "benchmarks",
    "docs",
    "tests",
)
FILE = re.compile(rf"\b(?:{'|'.join(TOP)})/[\w./*-]+")
SCRIPT = re.compile(r"python (?:-m ([\w.]+)|([\w/]+\.py))")
MADE = ("docs/results/",)  # what benchmarks write


def documents():
    """Every Markdown file of the repository."""
    found = [p for p in ROOT.rglob("*.md") if not {".venv", "build", ".git", "runs"} & set(p.relative_to(ROOT).parts)]
    return sorted(found)


def slug(heading):
    """GitHub's name of a heading, by which links reach it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(text):
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        if re.match(r"https?:|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name}: {target} leads nowhere"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{path.name}: no heading for {target}"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_commands_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    for name in FILE.findall(" ".join(CODE.findall(text))):
        name = name.rstrip("./")
        assert name.startswith(MADE) or any(ROOT.glob(name)), f"{path.name} names {name}, which is not there"
    for module, script in SCRIPT.findall(text):
        if module.split(".")[0] in TOP:
            assert find_spec(module), f"{path.name}: python -m {module}"
        elif script:
            assert (ROOT / script).exists() or (path.parent / script).exists(), f"{path.name}: python {script}"


def test_names_in_docstrings_and_comments_exist():
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    for source in tracked.stdout.split():
        text = (ROOT / source).read_text(encoding="utf-8") if (ROOT / source).exists() else ""
        for name in re.findall(rf"\b(?:{'|'.join(TOP)})/[\w/]+\.(?:py|md)\b", text):
            assert (ROOT / name).exists(), f"{source} names {name}, which is not there"


# ---- the code in the documents ---------------------------------------------------------------------------------

BLOCK = re.compile(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)


NEEDS = {"torch": "PyTorch", "PIL": "Pillow"}  # extras, by the module that a block imports


def with_code():
    """Every document that shows Python."""
    shown = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(path for path in shown if "```python" in path.read_text(encoding="utf-8"))


@pytest.fixture
def names_of_stores():
    """A page may add a store of its own: afterwards it is gone."""
    registry.names()  # imports those that come later
    before = dict(STORES)
    yield
    STORES.clear()
    STORES.update(before)


@pytest.mark.parametrize("path", with_code(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_blocks_run_and_print_what_stands_below_them(path, monkeypatch, names_of_stores):
    text = path.read_text(encoding="utf-8")
    for module in re.findall(r"^(?:import|from) (\w+)", "".join(code for code, _ in BLOCK.findall(text)), re.MULTILINE):
        if module in NEEDS:
            pytest.importorskip(module, reason=f"{NEEDS[module]} is missing: {path.name} shows how to use it")
    monkeypatch.chdir(ROOT)  # where their paths start
    shared: dict[str, object] = {}
    for code, expected in BLOCK.findall(text):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, path.name, "exec"), shared)
        assert printed.getvalue() == expected, f"{path.name} prints something else now"


def test_what_the_readme_says_the_first_command_prints_is_what_it_prints():
    """The figures are those of a run; the rows are those of the table that the command ends with."""
    shown = re.search(r"three rows:\n\n```text\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    epoch = Epoch(1, 0.1, 0.0, 0.0, 0.9921, 881_000, 0, [0.095, 0.209], 1.0, 1.0)
    twin = epoch._replace(test_accuracy=0.9914, saved_bytes=2_595_000, density=[])
    histories = {"spectral": History(), "spatial": History()}
    histories["spectral"].append(epoch)
    histories["spatial"].append(twin)
    printed = table(histories).splitlines()
    assert all(line in printed for line in shown[1].splitlines())
