"""kill -9 while a checkpoint is saved: it is the old one or the new one, and the next run removes what was left.

python -m tests.training.kill_saves          200 times (two minutes)
"""

import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from specframe.training import load_checkpoint, save_checkpoint

WRITER = """
import itertools, sys
from tests.training.kill_saves import save
for n in itertools.count(int(sys.argv[2])):
    save(sys.argv[1], n)
    print(n, flush=True)
"""


def save(path, n):
    save_checkpoint(path, {"n": n, "arrays": {f"{i}": np.full(50_000, n, np.float32) for i in range(10)}})


def kill_all(folder, times, rng):
    """Counts of checkpoints "lost" (older than the last that was done, or mixed), and of temporary files: "left" by the
    kills, and "still there" after the next run."""
    path, counts, n = os.path.join(folder, "checkpoint.npz"), collections.Counter(), 0
    for _ in range(times):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, str(n)], stdout=subprocess.PIPE, text=True)
        with writer:
            done = int(writer.stdout.readline())
            time.sleep(rng.uniform(0, 0.1))
            writer.send_signal(signal.SIGKILL)
            done = max([done, *map(int, writer.stdout.read().split("\n")[:-1])])
        counts["left"] += len(os.listdir(folder)) - 1
        state = load_checkpoint(path)
        whole = all((array == state["n"]).all() for array in state["arrays"].values())
        counts["lost"] += not (whole and done <= state["n"] <= done + 1)
        n = state["n"] + 1
        save(path, n)
        counts["still there"] += len(os.listdir(folder)) - 1
    return counts


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = kill_all(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 200, random.Random(0))
    print(f"lost {found['lost']}; temporary files left {found['left']}, after the next run {found['still there']}")
    sys.exit(1 if found["lost"] or found["still there"] else 0)
