"""What did a change cost? Training steps of this checkout and of another one, in processes that take turns.

    git worktree add ../before REVISION
    python benchmarks/before_after.py ../before

The nets start from the same weights and see the same random images, so saved bytes may be compared to the byte. Times
are medians, ratios are medians over the turns; nothing else should run meanwhile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import program

HERE = Path(__file__).resolve().parents[1]
NETS = {"SpecLeNet5": (28, 1, {}), "SpecVGG16": (32, 3, {"width": 0.25}), "VGG16": (32, 3, {"width": 0.25})}

# Runs in either checkout: only names that both have.
WORKER = """
import json, sys, time
import numpy as np
import specframe.models as models
from specframe.optim import SGD
from specframe.training import step_cost, train_step

name, size, channels, options, batch, steps = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
x = rng.standard_normal((size, size, batch, channels), np.float32)
y = rng.integers(0, 10, batch)
net = getattr(models, name)(**options)
optimizer = SGD(net.parameters(), 0.01, 0.9)
for _ in range(20):
    train_step(net, optimizer, x, y)
optimizer.lr = 1e-9
print(step_cost(net, x, y)[0].nbytes, flush=True)
for _ in sys.stdin:
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        train_step(net, optimizer, x, y)
        times.append(time.perf_counter() - start)
    print(sorted(times)[len(times) // 2], flush=True)
"""


def worker(checkout, settings, threads):
    """A process that answers each line with the median time of some steps; its first answer is the saved bytes."""
    environment = os.environ | {name: str(threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    environment["PYTHONPATH"] = str(checkout)
    command = [sys.executable, "-c", WORKER, json.dumps(settings)]
    return subprocess.Popen(
        command, cwd=checkout, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("before", type=Path, help="folder of the other checkout")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--rounds", type=int, default=15, help="turns of each process (15)")
    parser.add_argument("--steps", type=int, default=10, help="steps a turn (10)")
    parser.add_argument("--threads", type=int, default=2, help="threads of BLAS (2)")
    options = parser.parse_args()
    if not (options.before / "specframe").is_dir():
        parser.error(f"{options.before} is no checkout of specframe")
    program.takes(2 * len(options.nets) / len(NETS))
    progress = program.bar(options.rounds * len(options.nets), "turn")
    print(f"load {os.getloadavg()[0]:.2f}\n| net | before, ms | after, ms | after / before | saved bytes |")
    print("|---|---|---|---|---|")
    for name in options.nets:
        size, channels, settings = NETS[name]
        arguments = (name, size, channels, settings, 64, options.steps)
        workers = [worker(folder.resolve(), arguments, options.threads) for folder in (options.before, HERE)]
        saved = [int(process.stdout.readline()) for process in workers]
        turns = []
        for _ in range(options.rounds):
            turn = []
            for process in workers:
                process.stdin.write("go\n")
                process.stdin.flush()
                turn.append(float(process.stdout.readline()))
            turns.append(turn)
            progress.update()
        for process in workers:
            process.communicate()
        before, after = (1e3 * statistics.median(times) for times in zip(*turns, strict=True))
        ratios = sorted(b / a for a, b in turns)
        ratio = f"{statistics.median(ratios):.3f} ({ratios[0]:.2f} .. {ratios[-1]:.2f})"
        print(f"| {name} | {before:.2f} | {after:.2f} | {ratio} | {saved[0]:,}, {saved[1]:,} |", flush=True)


if __name__ == "__main__":
    sys.exit(program.guarded(main))
