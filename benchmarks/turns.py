"""Nets timed against each other: each in a process of its own, the processes taking turns (A B C A B C ...).

The thread pools of two engines in one process slow each other down, and a machine that slows down for a while must slow
all of them. Figures are medians, ratios are medians of the ratios within a round. What step.py and deep_step.py share.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import program

from specframe.training import write_atomically


class Ratio(NamedTuple):
    """A figure to report: "time" or "bytes" of the net `of` over that of the net `to`, and the bar it must not pass."""

    what: str
    of: str
    to: str
    label: str
    bar: float | None = None


def make_parser(doc, nets, out, rounds, steps):
    """A parser with the options that every such benchmark has. `nets` maps the name of a net to a description."""
    parser = argparse.ArgumentParser(description=doc.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=rounds, help=f"turns of each process ({rounds})")
    parser.add_argument("--steps", type=int, default=steps, help=f"steps a turn ({steps})")
    parser.add_argument("--batch-size", type=int, default=64, help="images a step (64)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each engine (2)")
    parser.add_argument("--only", nargs="+", choices=nets, default=list(nets), help="run some of the nets")
    parser.add_argument("--out", default=out, help="JSON file to write")
    parser.add_argument("--worker", choices=nets, help=argparse.SUPPRESS)
    return parser


def run(options, nets, ratios, make, minutes):
    """Compare the nets, or be the process of one of them; with all nets and the usual turns it takes so many minutes.

    `make(name, options)` gives (step, saved): a function that does one training step, and what the net saves for
    backward, {"bytes": int, "density": list}.
    """
    if options.worker:
        _work(options, make)
    else:
        if any(name.startswith("torch") for name in options.only):
            program.need("torch")
        program.takes(minutes * len(options.only) / len(nets))
        _compare(options, nets, ratios)


# ---- the process that runs one net ------------------------------------------------------------------------------


def _work(options, make):
    """Answer each line on standard input with the times of a few steps; the first answer tells the saved bytes."""
    step, saved = make(options.worker, options)
    for _ in range(min(10, options.steps)):
        step()
    print(json.dumps(saved), flush=True)
    for _ in sys.stdin:
        step()  # brings this process's code and data back into the caches
        times = []
        for _ in range(options.steps):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(json.dumps(times), flush=True)


# ---- the process that compares ----------------------------------------------------------------------------------


def _compare(options, nets, ratios):
    environment = os.environ | {name: str(options.threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    workers, saved = {}, {}
    progress = program.bar((1 + options.rounds) * len(options.only), "turn")
    for name in options.only:
        command = [sys.executable, *sys.argv, "--worker", name]
        workers[name] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        saved[name] = _answer(name, workers[name])  # one at a time: nobody else runs while it warms up
        progress.update()
    times = {name: [] for name in workers}
    for _ in range(options.rounds):
        for name, worker in workers.items():
            worker.stdin.write("go\n")
            worker.stdin.flush()
            times[name].append(statistics.median(_answer(name, worker)))
            progress.update()
    progress.close()
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    _report(options, nets, ratios, times, saved)


def _answer(name, worker):
    line = worker.stdout.readline()
    if not line:
        if worker.wait() == 2:
            sys.exit(2)  # it has said why
        raise RuntimeError(f"the process of {name} ended early")
    return json.loads(line)


def _report(options, nets, ratios, times, saved):
    result = {
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "threads": options.threads},
        "batch_size": options.batch_size, "nets": {}, "ratios": {},
    }  # fmt: skip
    print(f"| net | step, ms (median of {options.rounds} turns; fastest .. slowest) | saved, bytes | density |")
    print("|---|---|---|---|")
    for name, medians in times.items():
        low, middle, high = min(medians), statistics.median(medians), max(medians)
        density = ", ".join(f"{d:.3f}" for d in saved[name]["density"]) or "-"
        print(f"| {nets[name]} | {1e3 * middle:.2f} ({1e3 * low:.2f} .. {1e3 * high:.2f}) "
              f"| {saved[name]['bytes']:,} | {density} |")  # fmt: skip
        result["nets"][name] = {"seconds": middle, "turns": medians, **saved[name]}
    print("\n| ratio | median (smallest .. largest) | bar |\n|---|---|---|")
    for what, one, other, label, bar in ratios:
        if one not in times or other not in times:
            continue
        if what == "time":
            ratios = [a / b for a, b in zip(times[one], times[other], strict=True)]
            figure, spread = statistics.median(ratios), f" ({min(ratios):.2f} .. {max(ratios):.2f})"
        else:
            figure, spread = saved[one]["bytes"] / saved[other]["bytes"], ""
        print(f"| {label} | {figure:.3f}{spread} | {bar if bar is not None else '-'} |")
        result["ratios"][label] = figure
    write_atomically(options.out, lambda file: file.write((json.dumps(result, indent=2) + "\n").encode()))
    print(f"\nwritten to {options.out}")
