"""The book as it is built: strictly, without a request to the network, and with formulas that KaTeX accepts."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import slug

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted(ROOT.glob("docs/book/*.md"))
INCLUDE = re.compile(r"```\{literalinclude\} (\S+)\n((?::.*\n)*)")


def names_in(path):
    """Dotted names of the functions, classes and methods of a source file."""

    def inside(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                yield prefix + child.name
                yield from inside(child, f"{prefix}{child.name}.")

    return set(inside(ast.parse(path.read_text(encoding="utf-8")), ""))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_derivation_ends_in_code_that_is_there(path):
    included = INCLUDE.findall(path.read_text(encoding="utf-8"))
    assert included, f"{path.name} shows no source"
    for target, options in included:
        source = (path.parent / target).resolve()
        assert source.exists(), f"{path.name} includes {target}, which is not there"
        for name in re.findall(r":pyobject: (\S+)", options):
            assert name in names_in(source), f"{path.name}: {target} has no {name}"


TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROW = re.compile(r"^\| (.+?) \| .+ \| \[(\d+)\]\((book/\S+)\) \| `(.+?)` \| `(.+?)` \| (.+?) \|$", re.MULTILINE)
CODE = re.compile(r"^```python\n.*?^```$", re.MULTILINE | re.DOTALL)


def section(link):
    """What stands below the heading that a link from docs/ leads to, up to the next heading."""
    name, _, anchor = link.partition("#")
    text = CODE.sub(lambda code: code[0].replace("\n#", "\n"), (ROOT / "docs" / name).read_text(encoding="utf-8"))
    parts = re.split(r"^#+ (.+)\n", text, flags=re.MULTILINE)
    found = {slug(heading): below for heading, below in zip(parts[1::2], parts[2::2], strict=True)}
    assert anchor in found, f"{link}: no such heading; there are {sorted(found)}"
    return found[anchor]


def rows_of_the_paper():
    return ROW.findall((ROOT / "docs/equations.md").read_text(encoding="utf-8"))


def assert_is_there(test):
    """A test by its file, or by file::name."""
    [(file, name)] = TEST.findall(test)
    assert (ROOT / file).exists(), f"{file} is not there"
    assert not name or name in names_in(ROOT / file), f"{file} has no {name}"


def test_every_name_in_the_table_of_the_paper_exists():
    rows, text = rows_of_the_paper(), (ROOT / "docs/equations.md").read_text(encoding="utf-8")
    assert len(rows) == len(re.findall(r"^\|", text, re.MULTILINE)) - 2, "a row has another form"
    for paper, number, chapter, file, name, test in rows:
        assert chapter.startswith(f"book/{int(number):02d}_"), paper
        assert name in names_in(ROOT / file), f"{paper}: {file} has no {name}"
        assert_is_there(test)
    papers = " ".join(row[0] for row in rows)
    for number in range(1, 10):
        assert f"({number})" in papers, f"eq. ({number}) is missing"
    for number in range(1, 6):
        assert f"Fig. {number}" in papers, f"Fig. {number} is missing"


@pytest.mark.parametrize("row", rows_of_the_paper(), ids=lambda row: f"{row[0]}-{row[4]}")
def test_a_row_of_the_paper_leads_to_the_section_that_shows_its_code(row):
    paper, _, chapter, file, name, _ = row
    below = section(chapter)
    assert re.search(rf"\b({name.split('.')[0]}|{Path(file).stem})\b", below), f"{chapter}: neither {name} nor {file}"
    for number in re.findall(r"\((\d)\)", paper):
        assert re.search(rf"[({{ ]{number}[)}},]", below), f"{chapter} is silent on eq. ({number})"


def test_each_erratum_names_its_chapter_and_its_test():
    text = (ROOT / "docs/errata.md").read_text(encoding="utf-8")
    errata = [paragraph for paragraph in text.split("\n\n") if paragraph.startswith("**")]
    assert len(errata) == text.count("\n**")
    for erratum in errata:
        title = erratum.split("**")[1]
        chapters = re.findall(r"\((book/\d\d_\w+\.md#[\w-]+)\)", erratum)
        assert chapters, f"{title}: which section of which chapter?"
        assert all(map(section, chapters))
        found = re.findall(r"`tests/[^`]+`", erratum)
        assert found, f"{title}: which test?"
        for test in found:
            assert_is_there(test)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The built pages, by path."""
    for module in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(module, reason=f"{module} is missing: pip install specframe[docs] builds the book")
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", out / "trees"]
    built = subprocess.run([*command, ROOT / "docs", out / "html"], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return {path: path.read_text(encoding="utf-8") for path in sorted((out / "html").rglob("*.html"))}


def test_no_request_leaves_the_pages(pages):
    """Nothing is fetched from elsewhere: no script, style, font or picture; links that a reader clicks may lead out."""
    fetched = r"""<(?:script|img|iframe|source|video)[^>]+src=["'](?:https?:)?//|<link[^>]+href=["'](?:https?:)?//"""
    for path, text in pages.items():
        assert not re.search(fetched, text), path.name
    folder = next(iter(pages)).parent
    for style in folder.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", style.read_text(encoding="utf-8")), style.name


def test_the_fonts_that_the_formulas_ask_for_are_there():
    folder = ROOT / "docs/_static/katex"
    for font in re.findall(r"url\(([^)]+)\)", (folder / "katex.min.css").read_text(encoding="utf-8")):
        assert (folder / font).exists(), font


def test_katex_accepts_every_formula(pages):
    if shutil.which("node") is None:
        pytest.skip("node is missing: it runs KaTeX outside a browser")
    shown = re.compile(r'<(?:span|div) class="math">(.*?)</', re.DOTALL)
    formulas = [formula for text in pages.values() for formula in shown.findall(text)]
    script = """
const katex = require(process.argv[1]), wrong = [];
for (const source of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  const text = source.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&#x27;/g, "'")
    .replace(/&amp;/g, "&");
  try { katex.renderToString(text, { throwOnError: true, strict: "error", displayMode: true }); }
  catch (error) { wrong.push(text + ": " + error.message); }
}
console.log(JSON.stringify(wrong));
"""
    run = subprocess.run(
        ["node", "-e", script, ROOT / "docs/_static/katex/katex.min.js"],
        input=json.dumps(formulas), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert formulas and json.loads(run.stdout) == []
