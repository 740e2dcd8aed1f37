"""Does a rank that dies take the others with it, and leave a whole checkpoint?

    python benchmarks/kill_ranks.py --times 50          kill -9 of a random rank at a random time, and what was left

Prints how often ranks were still there after 20 s, the checkpoint could not be read, the message did not name the rank,
or shared memory stayed; all should be 0.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import program
from tqdm import tqdm

from specframe.data import DataLoader, Dataset
from specframe.layers import BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Sequential
from specframe.optim import SGD, ConstantLR
from specframe.training import Training, load_checkpoint, save_checkpoint
from specframe.training.parallel import join

LIMIT = 20.0  # seconds
MEMORY = Path("/dev/shm")


def train(folder: Path, workers: int, fault: str) -> int:
    """Train for ever, with a checkpoint an epoch. `fault`: "1 raise" for an exception in rank 1, "1 data" for data of
    its own there."""
    with join(workers, __file__, sys.argv[1:]) as team:
        where, _, what = fault.partition(" ")
        mine = where == str(team.rank)

        def transform(x, key):
            if mine and what == "raise" and key[1] == 2:
                raise KeyError("planted")
            return x

        draw = np.random.default_rng(1 if mine and what == "data" else 0)
        data = Dataset(draw.random((24, 1, 8, 8), np.float32), np.arange(24) % 3)
        loader = DataLoader(data, 8, device="cpu", transform=transform, shard=team.shard)
        net = Sequential(Conv2d(1, 4, 3, rng=0), BatchNorm2d(4), ReLU(), Flatten(), Linear(4 * 36, 3, rng=0))
        training = Training(net, SGD(net.parameters(), 0.01), None)
        training.schedule = ConstantLR(training.optimizer)
        Path(folder, f"rank{team.rank}").write_text(str(os.getpid()))

        def save(training):
            save_checkpoint(folder / "checkpoint.npz", training.state_dict())

        done = training.run(loader, loader, 10**9, on_epoch=save, progress=False, team=team)
        print(f"stopped{team.stopped_by}")
        return 0 if done else 130


def start(folder: Path, workers: int, fault: str = "") -> "subprocess.Popen[str]":
    """The launcher of such a training."""
    command = [sys.executable, __file__, "--train", str(folder), "--workers", str(workers), "--fault", fault]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ranks(folder: Path, workers: int) -> list[int]:
    """The processes of the ranks, once there is a checkpoint.

    Raises
    ------
    TimeoutError
        There is none after a minute.
    """
    wanted = [folder / "checkpoint.npz", *(folder / f"rank{rank}" for rank in range(workers))]
    for _ in range(1200):
        if all(path.exists() and path.stat().st_size for path in wanted):
            return [int(path.read_text()) for path in wanted[1:]]
        time.sleep(0.05)
    raise TimeoutError("no checkpoint after a minute")


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ending(process: "subprocess.Popen[str]", folder: Path, ranks: list[int]) -> dict[str, object]:
    """What became of a training that should be ending now: seconds, status, out, err, ranks that hang, and whether the
    checkpoint is lost."""
    begun = time.monotonic()
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    seconds = time.monotonic() - begun
    while any(map(alive, ranks)) and time.monotonic() - begun < LIMIT:
        time.sleep(0.02)
    hang = [rank for rank, number in enumerate(ranks) if alive(number)]
    for rank in hang:
        with contextlib.suppress(ProcessLookupError):
            os.kill(ranks[rank], signal.SIGKILL)
    try:
        lost = not load_checkpoint(folder / "checkpoint.npz")["progress"]["epoch"]
    except (OSError, ValueError, RuntimeError):
        lost = True
    return {"seconds": seconds, "status": process.returncode, "out": out, "err": err, "hang": hang, "lost": lost}


def segments() -> set[str]:
    """Names of MPICH's shared memory."""
    return {path.name for path in MEMORY.glob("mpich*")} if MEMORY.exists() else set()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fault", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        return train(options.train, options.workers, options.fault)
    program.need("mpi4py")
    draw, before, slowest = random.Random(options.seed), segments(), 0.0
    counts = dict.fromkeys(("ranks hung", "checkpoints lost", "messages without the rank"), 0)
    program.takes(options.times / 10)
    for _ in tqdm(range(options.times), unit="kill", leave=False, disable=None):
        with tempfile.TemporaryDirectory() as name:
            process = start(Path(name), options.workers)
            found = ranks(Path(name), options.workers)
            time.sleep(draw.uniform(0, 1))
            victim = draw.randrange(options.workers)
            os.kill(found[victim], signal.SIGKILL)
            end = ending(process, Path(name), found)
            counts["ranks hung"] += bool(end["hang"])
            counts["checkpoints lost"] += bool(end["lost"])
            if f"rank {victim}: " not in str(end["err"]):
                counts["messages without the rank"] += 1
                print(f"killed rank {victim}, told:\n{end['out']}{end['err']}")
            slowest = max(slowest, float(str(end["seconds"])))
    print(f"{options.times} times kill -9 of one of {options.workers} ranks, load {os.getloadavg()[0]:.1f}")
    for what, count in counts.items():
        print(f"{what:28} {count}")
    print(f"{'shared memory left':28} {len(segments() - before)}")
    print(f"{'slowest end':28} {slowest:.1f} s")
    return int(any(counts.values()))


if __name__ == "__main__":
    sys.exit(program.guarded(main))
