"""Mutation testing: plant small mistakes in the engine, one at a time, and see which ones no test notices.

    python -m tests.mutants                          a sample of 150 over ops, fast, saving, tape and optim
    python -m tests.mutants specframe/ops --all      every mutant of these files: hours
    python -m tests.mutants specframe/ops/linear.py --sample 40 --seed 3

cosmic-ray makes the mutants (operators, comparisons, numbers, booleans). Each is put into a copy of the repository and
tried against the tests that mirror its file; a mutant that lives past those is tried against the whole engine's tests.
Survivors are printed as differences; those that change nothing that can be observed are listed in docs/mutants.md.
"""

import argparse
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).parent.parent
PLACES = ["specframe/ops", "specframe/fast", "specframe/saving", "specframe/tape.py", "specframe/record.py", "optim"]
# An annotation `int | None` is no code; exceptions and decorators that are exchanged fail at import and say nothing.
LEFT_OUT = re.compile(r"BitOr|ExceptionReplacer|RemoveDecorator|Variable")
WIDE = ["tests/ops", "tests/fast", "tests/saving", "tests/test_tape.py", "tests/test_gradcheck.py", "tests/optim"]


def tests_of(module):
    """The test files and folders that mirror a module, those most likely to notice first."""
    path = Path(module)
    inside = path.relative_to("specframe") if path.parts[0] == "specframe" else path
    mirror = Path("tests") / inside.parent / f"test_{inside.name}"
    candidates = [mirror, Path("tests/ops") / f"test_{inside.name}", mirror.parent]
    return [str(p) for p in candidates if (ROOT / p).exists()] or WIDE


def mutants_of(modules):
    """(module, operator, occurrence, arguments) of every mutant."""
    from cosmic_ray import commands
    from cosmic_ray.work_db import WorkDB

    found = []
    for module in modules:
        with tempfile.TemporaryDirectory() as folder:
            database = WorkDB(str(Path(folder) / "work.sqlite"), WorkDB.Mode.create)
            commands.init([Path(module)], database, {})
            for item in database.work_items:
                for mutation in item.mutations:
                    if not LEFT_OUT.search(mutation.operator_name):
                        found.append((module, mutation.operator_name, mutation.occurrence, mutation.operator_args))
            database.close()
    return found


def attempt(mutant):
    """(mutant, difference) of one that lives, (mutant, None) of one that a test noticed."""
    from cosmic_ray.mutating import apply_mutation
    from cosmic_ray.plugins import get_operator

    module, operator, occurrence, arguments = mutant
    path = Path(module)
    whole = path.read_text(encoding="utf-8")
    try:
        apply_mutation(path, get_operator(operator)(**arguments), occurrence)
        for tests in (tests_of(module), WIDE):
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
            try:
                failed = subprocess.run(command, capture_output=True, timeout=600).returncode != 0
            except subprocess.TimeoutExpired:
                failed = True  # a loop that does not end is noticed by whoever waits
            if failed:
                return mutant, None
        mutated = path.read_text(encoding="utf-8")
        pairs = zip(whole.splitlines(), mutated.splitlines(), strict=False)
        changed = [(n, a, b) for n, (a, b) in enumerate(pairs, 1) if a != b]
        return mutant, "\n".join(f"{module}:{n}\n  - {a.strip()}\n  + {b.strip()}" for n, a, b in changed)
    finally:
        path.write_text(whole, encoding="utf-8")


def enter_copy(folder):
    """Each process works in a copy of its own."""
    here = Path(folder) / str(os.getpid())
    ignored = shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__", "results")
    shutil.copytree(ROOT, here, ignore=ignored)
    os.chdir(here)


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
    mutants = mutants_of([module for module in modules if not module.endswith("__init__.py")])
    tried = mutants if option.all else random.Random(option.seed).sample(mutants, min(option.sample, len(mutants)))
    alive = []
    with tempfile.TemporaryDirectory() as folder:
        with multiprocessing.Pool(option.workers, enter_copy, (folder,)) as pool:
            for _, difference in tqdm(pool.imap_unordered(attempt, tried), total=len(tried), unit="mutant"):
                if difference:
                    alive.append(difference)
                    tqdm.write(difference)
    caught = len(tried) - len(alive)
    print(f"{caught} of {len(tried)} mutants caught ({caught / max(1, len(tried)):.1%}), of {len(mutants)} in all")


if __name__ == "__main__":
    main()
