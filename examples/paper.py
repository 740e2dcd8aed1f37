"""Redraw the paper's figures and tables, and set what it prints beside what comes out here.

    python examples/paper.py all --quick        minutes: small data, to see that everything runs
    python examples/paper.py fig3               an evening on two cores
    python examples/paper.py all --full         the paper's 300 epochs, for a GPU

Each training run is a process of examples/train.py, one a core, in a folder below --out that its settings name: what is
done is not done again, and after Ctrl-C the same command goes on. Pictures (extra `plot`), tables as CSV, and
report.html, one file that needs no network, are written at the end.
"""

import sys
import time
from pathlib import Path
from typing import Any

from command_line import Parser, guarded, number
from paper_parts import claims, fig2, fig3, fig4, fig5, page, table1, table2
from paper_parts.runs import Runs, Stopped, duration
from paper_parts.scale import EVENING, FULL, QUICK, available
from paper_parts.section import Part

from specframe import backend
from specframe.training import plots, say
from specframe.training.parallel import launch

PARTS: dict[str, Part] = {
    "fig2": fig2.PART, "fig3": fig3.PART, "fig4": fig4.PART, "fig5": fig5.PART, "table1": table1.PART,
    "table2": table2.PART, "claims": claims.PART,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = make_parser()
    given = {"what": None, "scale": EVENING, "out": "runs/paper", "data_dir": None, "device": "auto", "data": None,
             "jobs": None}  # fmt: skip
    given |= vars(parser.parse_args(arguments))
    return guarded(parser, run, given | {"arguments": sys.argv[1:] if arguments is None else arguments})


def make_parser() -> Parser:
    parser = Parser("paper.py", __doc__.split("\n\n")[0])
    add = parser.add_argument
    add("what", choices=[*PARTS, "all"], help="a figure, a table, the claims, or all of them")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", dest="scale", action="store_const", const=QUICK, help="small runs: minutes")
    how.add_argument("--full", dest="scale", action="store_const", const=FULL, help="the paper's 300 epochs")
    add("--data", nargs="+", choices=["mnist", "cifar10", "svhn", "digits"],
        help="data sets (those of the first three whose files are here, else the bundled digits)")  # fmt: skip
    add("--data-dir", metavar="DIR", help="folder with the data files; else $SPECFRAME_DATA, the cache")
    add("--device", choices=["auto", "cpu", "cuda"], help="auto takes a GPU where CuPy finds one (auto)")
    add("--jobs", type=number(int, 1), metavar="N", help="runs side by side (one a core; one on a GPU)")
    add("--out", metavar="DIR", help="folder of the runs and of the report (runs/paper)")
    return parser


def run(given: dict[str, Any]) -> int:
    if not plots.available():
        raise ValueError("the figures need matplotlib: pip install 'specframe[plot]'")
    scale, start = given["scale"], time.monotonic()
    folder = Path(given["out"]).expanduser() / scale.name
    data = given["data"] or available(given["data_dir"])
    place = [f"--device={given['device']}"] + ([f"--data-dir={given['data_dir']}"] if given["data_dir"] else [])
    chosen = {name: part for name, part in PARTS.items() if given["what"] in (name, "all")}
    plans = {name: part.plan(scale, data) for name, part in chosen.items()}
    on_cpu = backend.get(given["device"]).name == "cpu"
    runs = Runs(folder / "runs", place, given["jobs"] or (launch.cores() if on_cpu else 1))
    say(f"{', '.join(chosen)} at size {scale.name}, on {', '.join(data)}; results in {folder}")
    try:
        runs.complete([run for plan in plans.values() for run in plan.values()])
    except Stopped:
        say("stopped; the same command goes on from here")
        return 130
    sections = [part.show(scale, plans[name], runs, folder) for name, part in chosen.items()]
    for section in sections:
        section.write_csv(folder)
    size = f"{scale.name}, deep nets at width {scale.width:g}. {scale.remark}"
    path = page.write(folder / "report.html", sections, given["arguments"], size)
    say(f"{path}: {len(sections)} sections, in {duration(time.monotonic() - start)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
