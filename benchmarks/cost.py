"""What a convolution costs in space and in the spectrum: time and saved bytes of a step, here and in PyTorch.

    python benchmarks/cost.py                      the table, the crossovers, runs/benchmarks/cost.json and cost.png

One thing changes at a time about a base of two convolutions of 5 x 5 with 32 channels on maps of 32 x 32, 32 images,
each with batch normalisation and tanh; then the mean of each map and a linear layer. In the spectrum all convolutions
share one block: there and back once, beta 0.5, weights as they begin (trained ones leave fewer entries: bytes are upper
bounds). The images have an energy that falls with frequency as that of photographs does. Each figure is the median over
processes that take turns; with several ranks PyTorch has as many threads. Needs the extras `mpi`, `oracle` and `plot`.
"""

import argparse
import itertools
import json
import os
import statistics
import sys

import numpy as np
import program
import scale

from specframe import interop
from specframe.layers import BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, Sequential, SpectralBlock, Tanh
from specframe.optim import SGD
from specframe.training import say, step_cost, train_step, write_atomically
from specframe.training.parallel import join

BASE = {"size": 32, "kernel": 5, "channels": 32, "depth": 2, "ranks": 1}
SWEEPS = {"size": [8, 16, 24, 32, 48, 64], "kernel": [3, 5, 7, 11, 15], "channels": [4, 8, 16, 32, 64, 128],
          "depth": [1, 2, 4, 8], "ranks": [1, 2, 4]}  # fmt: skip
LABELS = {"size": "map, pixels a side", "kernel": "kernel, pixels a side", "channels": "channels",
          "depth": "convolutions in a row", "ranks": "ranks (PyTorch: threads)"}  # fmt: skip
IMAGES = 32
SIDES = {"space": "#2563eb", "spectrum": "#dc2626", "PyTorch, space": "#93c5fd", "PyTorch, spectrum": "#fca5a5"}


def net(spectral, size, kernel, channels, depth, ranks):
    """A classifier that is almost nothing but `depth` convolutions."""
    if spectral:
        body = [SpectralBlock(channels, channels, kernel, convs=depth, batch_norm="spectral", rng=0)]
    else:
        convs = [Conv2d(channels, channels, kernel, padding="same", bias=False, rng=n) for n in range(depth)]
        body = [layer for conv in convs for layer in (conv, BatchNorm2d(channels), Tanh())]
    return Sequential(*body, GlobalAvgPool2d(), Linear(channels, 10, rng=0))


def batch(size, channels):
    """(maps of unit variance whose amplitude falls as 1 / frequency, labels)."""
    draw = np.random.default_rng(0)
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)
    amplitude = 1 / np.maximum(np.hypot(rows, columns), 1 / size)
    spectra = np.fft.rfft2(draw.standard_normal((size, size, IMAGES, channels)), axes=(0, 1))
    maps = np.fft.irfft2(spectra * amplitude[:, :, None, None], (size, size), axes=(0, 1))
    return (maps / maps.std()).astype(np.float32), draw.integers(0, 10, IMAGES)


def points(sweep):
    """The settings of a sweep, all but one those of the base."""
    return [BASE | {sweep: value} for value in SWEEPS[sweep]]


def measure(side, settings, steps, team):
    """(seconds of a step, bytes that it saves on this rank)."""
    model, (x, y) = net("spectrum" in side, **settings), batch(settings["size"], settings["channels"])
    if "PyTorch" in side:
        import torch
        import torch_nets

        torch.set_num_threads(settings["ranks"])
        model, batch_there = interop.to_torch(model), torch_nets.batch_of(x, y)
        step = torch_nets.step_of(model, *batch_there, torch.optim.SGD(model.parameters(), scale.RATE))
        return scale.median(step, steps), torch_nets.saved_bytes(model, *batch_there)
    x, y = scale.part_of(team, x, y)
    sgd = SGD(model.parameters(), scale.RATE)
    team.start(model)
    return scale.median(lambda: train_step(model, sgd, x, y, team=team), steps), step_cost(model, x, y)[0].nbytes


def child(options):
    """The process of one turn: prints [[seconds, bytes], ...] of its points."""
    with join(1, __file__) as team:
        found = [measure(options.child, settings, options.steps, team) for settings in json.loads(options.points)]
        if team.first:
            print(json.dumps(found))
    return 0


def turn(side, settings, steps):
    """What one process, or one team of ranks, finds for settings with the same number of ranks."""
    ranks = settings[0]["ranks"]
    command = [__file__, "--child", side, "--points", json.dumps(settings), "--steps", str(steps)]
    return scale.output(command, 1 if "PyTorch" in side else ranks, threads=ranks)


def run(options):
    """{sweep: {side: [[ms, bytes], ...]}}: medians over the rounds."""
    found = {sweep: {side: [] for side in SIDES} for sweep in options.sweeps}
    with program.bar(options.rounds * len(options.sweeps) * len(SIDES), "turns") as bar:
        for _, sweep, side in itertools.product(range(options.rounds), options.sweeps, SIDES):
            parts = [[each] for each in points(sweep)] if sweep == "ranks" else [points(sweep)]
            found[sweep][side].append([point for part in parts for point in turn(side, part, options.steps)])
            bar.update()
    return {
        sweep: {side: [[1e3 * statistics.median(seconds), each[0]] for seconds, each in
                       (zip(*point, strict=True) for point in zip(*rounds, strict=True))]
                for side, rounds in sides.items()}
        for sweep, sides in found.items()
    }  # fmt: skip


def crossover(values, one, other):
    """Where `one`, at first the larger, falls below `other`, on a line through the logarithms; None where it never
    does, the first value where it is below from the start."""
    gaps = [float(np.log(a / b)) for a, b in zip(one, other, strict=True)]
    if gaps[0] <= 0:
        return values[0]
    for (x0, g0), (x1, g1) in itertools.pairwise(zip(values, gaps, strict=True)):
        if g1 <= 0:
            return float(np.exp(np.log(x0) + (np.log(x1) - np.log(x0)) * g0 / (g0 - g1)))
    return None


def told(sweep, found, number, of=""):
    """The sentence of a crossover: of the time (number 0) or of the bytes (1)."""
    values, what = SWEEPS[sweep], ("time", "bytes")[number]
    sides = [[point[number] for point in found[sweep][f"{of}{side}"]] for side in ("spectrum", "space")]
    at, place = crossover(values, *sides), LABELS[sweep].split(" (")[0]
    where = "nowhere" if at is None else "everywhere" if at == values[0] else f"from {at:.0f} on"
    return f"{of or 'specframe, '}{what} against {place}: the spectrum is below space {where}"


def report(found):
    """Say the table and the crossovers."""
    say(f"| of | value | {' | '.join(f'{side}, ms and MB' for side in SIDES)} |\n|---|---|{'---|' * len(SIDES)}")
    for sweep, sides in found.items():
        for number, value in enumerate(SWEEPS[sweep]):
            cells = [f"{points[number][0]:.1f}, {points[number][1] / 1e6:.2f}" for points in sides.values()]
            say(f"| {LABELS[sweep]} | {value} | {' | '.join(cells)} |")
    say("")
    for sweep, of, number in itertools.product(found, ("", "PyTorch, "), (0, 1)):
        if sweep != "ranks":
            say(told(sweep, found, number, of))


def draw(found, path):
    """A column for each sweep: time above, bytes below; dots where our two sides cross. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    figure = Figure(figsize=(3.4 * len(found), 6.4), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, len(found), squeeze=False)
    for column, (sweep, sides) in enumerate(found.items()):
        for number, label in enumerate(("a step, ms", "saved for backward, MB a process")):
            axes = grid[number][column]
            curves = {side: [p[number] / (1, 1e6)[number] for p in points] for side, points in sides.items()}
            for side, curve in curves.items():
                wide = 3.2 if "PyTorch" in side else 1.4  # where both are one line, both are seen
                axes.plot(
                    SWEEPS[sweep], curve, "o-", ms=3, lw=wide, color=SIDES[side], label=side, zorder=2 + (wide < 3)
                )
            at = crossover(SWEEPS[sweep], curves["spectrum"], curves["space"])
            if at is not None and at > SWEEPS[sweep][0]:
                axes.axvline(at, color="#6b7280", lw=0.8, ls=":")
                axes.annotate(f"{at:.0f}", (at, 0.02), xycoords=("data", "axes fraction"), fontsize=8, color="#374151")
            axes.set(xscale="log", yscale="log", xlabel=LABELS[sweep], ylabel=label if column == 0 else "")
            axes.set_xticks(SWEEPS[sweep])
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
    grid[0][0].legend(frameon=False, fontsize=8)
    write_atomically(path, lambda file: figure.savefig(file, format="png"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sweeps", nargs="+", choices=SWEEPS, default=list(SWEEPS), help="what changes (all)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each process (3)")
    parser.add_argument("--steps", type=int, default=5, help="steps of each point and turn (5)")
    parser.add_argument("--out", default="runs/benchmarks/cost.json", help="JSON file; the chart goes beside it")
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--points", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options)
    for module in ("torch", "matplotlib", "mpi4py"):
        program.need(module)
    program.takes(8)
    say(f"{scale.cores()} cores, load {os.getloadavg()[0]:.1f} before")
    found = run(options)
    report(found)
    os.makedirs(os.path.dirname(options.out) or ".", exist_ok=True)
    write_atomically(options.out, lambda file: file.write(json.dumps(found).encode()))
    draw(found, os.path.splitext(options.out)[0] + ".png")
    say(f"load {os.getloadavg()[0]:.1f} after; drawn in {os.path.splitext(options.out)[0]}.png")
    return 0


if __name__ == "__main__":
    sys.exit(program.guarded(main))
