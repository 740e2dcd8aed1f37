"""How much Python does one forward run through? Files and function calls of this repository, SpecLeNet5, eight images.

    python benchmarks/calls.py             by the bodies of specframe/ops and by the fast ones, without and with a tape
    python benchmarks/calls.py --by file   and where the calls are ("file" or "function")

Counted with sys.setprofile, in a second forward: calls of functions written in this repository, a generator once for
each time it runs on. List, dict and set comprehensions and generator expressions do not count: whether they are
functions depends on the version of Python.
"""

import argparse
import collections
import contextlib
import sys
from pathlib import Path

import numpy as np

import specframe as sf
from specframe.models import SpecLeNet5

ROOT = Path(sf.__file__).resolve().parents[1]
FOLDERS = [ROOT / name for name in ("specframe", "layers", "models")]
COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--by", choices=["file", "function"], help="list the calls, most first")
    options = parser.parse_args(argv)
    print("| bodies | tape | files | calls |\n|---|---|---|---|")
    for tape in (False, True):
        for reference in (True, False):
            calls = count(reference, tape)
            bodies = "reference" if reference else "fast"
            print(f"| {bodies} | {'yes' if tape else 'no'} | {len(files(calls))} | {calls.total()} |")
            if options.by is not None:
                shown = files(calls) if options.by == "file" else calls
                for name, number in shown.most_common():
                    print(f"    {number:4}  {name if options.by == 'file' else '  '.join(name)}")


def count(reference, tape):
    """A Counter of (file, function) over one forward."""
    net, x = SpecLeNet5(), sf.Tensor(np.random.default_rng(0).standard_normal((28, 28, 8, 1), dtype=np.float32))
    calls = collections.Counter()

    def profile(frame, event, _):
        file, function = Path(frame.f_code.co_filename), frame.f_code.co_name
        if event == "call" and function not in COMPREHENSIONS and any(folder in file.parents for folder in FOLDERS):
            calls[str(file.relative_to(ROOT)), function] += 1

    with sf.reference() if reference else contextlib.nullcontext():
        net(x)  # fills caches, imports what is imported late
        with sf.Tape() if tape else contextlib.nullcontext():
            sys.setprofile(profile)
            try:
                net(x)
            finally:
                sys.setprofile(None)
    return calls


def files(calls):
    """A Counter of the calls by file."""
    by_file = collections.Counter()
    for (file, _), number in calls.items():
        by_file[file] += number
    return by_file


if __name__ == "__main__":
    main()
