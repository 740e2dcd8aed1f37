"""Mutation testing: plant small mistakes in the engine, one at a time, and see which ones no test notices.

    python -m tests.mutants                          150 drawn over ops, fast, saving, the tape and optim: minutes
    python -m tests.mutants --all                    every mutant: hours
    python -m tests.mutants specframe/ops/linear.py --sample 40 --seed 3

cosmic-ray plants them (operators, comparisons, numbers, booleans, conditions, loops), one near miss for each operator;
statements are deleted as well. Each goes into a copy of the repository, where the tests that mirror the file run; one
that lives past those meets all tests of the engine. Survivors are printed, and count, also those that docs/mutants.md
explains: they change nothing that a test could observe.
"""

import argparse
import multiprocessing
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
FILES = [f"specframe/{name}.py" for name in ("tape", "record", "recording", "op", "bodies", "arrays")]
PLACES = ["specframe/ops", "specframe/fast", "specframe/saving", *FILES, "optim"]
ENGINE = ["tests/ops", "tests/fast", "tests/saving", "tests/optim", "tests/test_tape.py",
          "tests/test_tape_refusals.py", "tests/test_on_grad.py", "tests/test_gradcheck.py",
          "tests/test_gradcheck_itself.py", "tests/test_recording.py", "tests/test_tensor.py",
          "tests/test_methods.py", "tests/test_spectrum.py", "tests/layers", "tests/memory"]  # fmt: skip
NOT_AT_FIRST = "not test_memory and not ten_thousand"  # seconds each

# Any operator in place of any other mostly ends in a TypeError, which says nothing about the tests: near misses only.
NEAR_MISSES = re.compile(
    "_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_FloorDiv|Pow_Mul|BitAnd_BitOr|BitOr_BitAnd|BitXor_BitOr"
    "|LShift_RShift|RShift_LShift|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is"
    r"|Delete_USub|Delete_Invert|Delete_Not)$|/(AddNot|Replace[A-Z][a-z]+With[A-Z][a-z]+|NumberReplacer|ZeroIter\w+)$"
)


class DeleteStatement:
    """`pass` in place of a statement that the code could run without; an operator as cosmic-ray's are."""

    def mutation_positions(self, node):
        if node.type == "simple_stmt" and self.can_go(node.children[0]):
            yield node.start_pos, node.end_pos

    def can_go(self, statement):
        if statement.type == "return_stmt":  # the last one of a function is missed by whoever calls it
            return statement.parent.parent.parent.type != "funcdef"
        if statement.type == "expr_stmt":  # x.a = y, x[i] = y, x += y, x = f(x), but neither x = y nor x: int
            target, *rest = statement.children
            again = any(leaf.get_code(False) == target.get_code(False) for part in rest for leaf in ast_nodes(part))
            return rest[0].type != "annassign" and (target.type == "atom_expr" or rest[0] != "=" or again)
        return statement.type in ("atom_expr", "del_stmt", "raise_stmt")

    def mutate(self, node, index):
        first = node.get_first_leaf()
        node.children[0] = parso.python.tree.Keyword("pass", first.start_pos, first.prefix)
        return node


OPERATORS = {name: get_operator(name)() for name in operator_names() if NEAR_MISSES.search(name)}
OPERATORS["DeleteStatement"] = DeleteStatement()


def is_code(node):
    """Not within an annotation, a decorator or an f-string: no test has to watch those."""
    while node.parent:
        parent, before = node.parent, node.get_previous_sibling()
        annotation = (parent.type, before) in [("funcdef", "->"), ("annassign", ":"), ("tfpdef", ":")]
        if annotation or parent.type in ("decorator", "fstring_expr"):
            return False
        node = parent
    return True


def mutants_of(module):
    """(module, operator, occurrence) of every mutant of a file."""
    nodes = list(ast_nodes(parso.parse(Path(module).read_text(encoding="utf-8"))))
    for name, operator in OPERATORS.items():
        places = [node for node in nodes for _ in operator.mutation_positions(node)]
        yield from ((module, name, n) for n, node in enumerate(places) if is_code(node))


def tests_of(module):
    """The test files that mirror a module and those that import it: the most likely to notice."""
    path = Path(module.removeprefix("specframe/"))
    uses = re.compile(rf"\.{path.stem} import|import {path.stem}$", re.M)
    users = [p.stem for p in sorted(Path(module).parent.glob("*.py")) if uses.search(p.read_text("utf-8"))]
    folders = {"ops": ["ops", "fast/cpu"], "fast": ["fast/cpu", "ops"]}.get(path.parts[0], [path.parent])
    tests = [Path("tests", folder, f"test_{n.strip('_')}.py") for n in (path.stem, *users) for folder in folders]
    if path.parts[0] in ("ops", "fast"):
        tests += [Path("tests/ops/test_every_op.py"), Path("tests/fast/test_nets.py")]
    else:
        tests += sorted(Path("tests", "saving" if path.parent == Path() else path.parent).glob("test_*.py"))
    return [str(test) for test in dict.fromkeys(tests) if test.exists()]


def run_tests(tests, seconds, *options):
    """The output of a run that failed, or None. `seconds` of the processor, whatever else the machine does."""

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))

    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *options, *tests]
    quiet = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=1200, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        return "no end"
    return (done.stdout + done.stderr or "killed") if done.returncode else None


def explained(module, before, after):
    """Whether docs/mutants.md has a row for a mutant: | files | `before` → `after` | why |, where … is anything."""
    for line in Path("docs/mutants.md").read_text(encoding="utf-8").splitlines():
        if row := re.match(r"\| `(.+)` \| `(.+)` → `(.*)` \| ", line):
            files, old, new = (cell.replace(" ", "") for cell in row.groups())
            tried = (
                before[:at] + new + before[at + len(old) :] for at in range(len(before)) if before.startswith(old, at)
            )
            if fnmatch(module, files) and (after in tried or (new == "…" and old in before)):
                return True
    return False


def attempt(mutant):
    """(what a mutant that lives changes, whether that is explained); None for one that a test noticed."""
    module, operator, occurrence = mutant
    path = Path(module)
    whole = path.read_text(encoding="utf-8")
    mutated = mutate_code(whole, OPERATORS[operator], occurrence)
    lines = enumerate(zip(whole.splitlines(), mutated.splitlines(), strict=False), 1)
    changes = [(n, a.strip(), b.strip()) for n, (a, b) in lines if a != b]
    known = all(explained(module, a.replace(" ", ""), b.replace(" ", "")) for _, a, b in changes)
    try:
        path.write_text(mutated, encoding="utf-8")
        if run_tests(tests_of(module), 30, "-k", NOT_AT_FIRST) or (not known and run_tests(ENGINE, 300)):
            return None
        return "\n".join(f"{module}:{n}{', explained' * known}\n  - {a}\n  + {b}" for n, a, b in changes), known
    finally:
        path.write_text(whole, encoding="utf-8")


def enter_copy(folder):
    """Each process works in a copy of its own, and it is the copy that Python imports there."""
    here = Path(folder) / str(os.getpid())
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "runs", "results")
    shutil.copytree(ROOT, here, ignore=ignored)
    os.chdir(here)
    show = "import specframe.ops, specframe.optim; print(specframe.ops.__file__, specframe.optim.__file__)"
    files = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.split()
    if not all(Path(file).is_relative_to(here.resolve()) for file in files):
        raise RuntimeError(f"the tests would import {', '.join(files)}, which is not the copy in {here}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("places", nargs="*", default=PLACES, help="files and folders (ops, fast, saving, tape, optim)")
    parser.add_argument("--sample", type=int, default=150, help="so many mutants, drawn at random (150)")
    parser.add_argument("--all", action="store_true", help="every mutant")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (0)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (one a core)")
    option = parser.parse_args()
    os.chdir(ROOT)
    modules = [str(p) for place in option.places for p in (sorted(Path(place).rglob("*.py")) or [Path(place)])]
    mutants = [m for module in modules if not module.endswith("__init__.py") for m in mutants_of(module)]
    tried = mutants if option.all else random.Random(option.seed).sample(mutants, min(option.sample, len(mutants)))
    alive = []
    with tempfile.TemporaryDirectory() as folder:
        with multiprocessing.Pool(option.workers, enter_copy, (folder,)) as pool:
            before = sorted({test for module, *_ in tried for test in tests_of(module)})
            if failure := pool.apply(run_tests, (before, 600, "-k", NOT_AT_FIRST)):
                raise SystemExit(f"{failure}\nThese tests fail before any mutant: mend them first.")
            for survivor in tqdm(pool.imap_unordered(attempt, tried), total=len(tried), unit="mutant"):
                if survivor:
                    alive.append(survivor)
                    tqdm.write(survivor[0])
    caught, known = len(tried) - len(alive), sum(known for _, known in alive)
    print(f"{caught} of {len(tried)} mutants caught ({caught / max(1, len(tried)):.1%}), of {len(mutants)} in all")
    print(f"{known} of the other {len(alive)} are explained in docs/mutants.md")


if __name__ == "__main__":
    main()
