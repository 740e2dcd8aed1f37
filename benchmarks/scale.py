"""What ranks gain: the time of a step of 64 images with 1, 2, ... of them, against a model of it and against PyTorch.

    python benchmarks/scale.py --nets vgg16 specvgg16 speclenet5 --ranks 1 2

Every figure comes from processes of its own, which take turns; medians. The model of a step with n ranks is

    compute(n) + waits * wait(n) + max(last * exchange(n), exchange(n) - overlap)

compute: the step of a part of the batch without any exchange; waits: where all meet, for the sizes, twice a batch
normalisation, and at the end; wait: what one of them costs ranks that work in between, each of them sometimes late;
exchange: that of the gradients alone; last: the share of the last bucket, which nothing can hide; overlap: the part of
the walk back that is left when half of the gradients are there. "Hidden" is the share of the exchange that is over when
the last rank ends its walk back. Beside MPI's own sum stands one through shared memory
by hand. Needs the extra `mpi`; PyTorch, where it is installed, has as many threads as there are cores:

    taskset -c 0 python benchmarks/scale.py --ranks 1        one thread each

What a convolution costs against its size, in space and in the spectrum, benchmarks/cost.py draws.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import program

from specframe import Tape, Tensor, interop, ops
from specframe.layers import BatchNorm2d
from specframe.models import VGG16, DenseNet, LeNet5, SpecDenseNet, SpecLeNet5, SpecVGG16
from specframe.optim import SGD
from specframe.training import train_step
from specframe.training.parallel import Team, join
from specframe.training.parallel import team as team_module
from specframe.training.parallel.buckets import BUCKET_BYTES, Buckets
from specframe.training.parallel.launch import THREADS, cores

NETS = {"lenet5": LeNet5, "speclenet5": SpecLeNet5, "vgg16": VGG16, "specvgg16": SpecVGG16, "densenet": DenseNet,
        "specdensenet": SpecDenseNet}  # fmt: skip
TWIN = {"speclenet5": "lenet5"}  # PyTorch's side, where it is not the same net
LAUNCH = "import sys; from specframe.training.parallel import launch as l; sys.exit(l.launch(int(sys.argv[1]), sys.argv[2:]))"  # noqa: E501
WIDTH, RATE = 0.25, 1e-7  # the weights stay where they are
WALKS = []  # (end of the walk back, end of the exchange) of each step, on the clock that all processes here share


class Watched(Buckets):
    """Buckets that note when the walk back is over, and when the sums are there."""

    def finish(self):
        begun = time.perf_counter()
        super().finish()
        WALKS.append((begun, time.perf_counter()))


def make(name):
    """(net, x, y): a batch of 64 random images."""
    draw, lenet = np.random.default_rng(0), name.endswith("lenet5")
    net = NETS[name]() if lenet else NETS[name](width=WIDTH)
    shape = (28, 28, 64, 1) if lenet else (32, 32, 64, 3)
    return net, draw.standard_normal(shape, np.float32), draw.integers(0, 10, 64)


def part_of(team, x, y):
    """This rank's part of a batch."""
    mine = slice(len(y) * team.rank // team.size, len(y) * (team.rank + 1) // team.size)
    return x[:, :, mine], y[mine]


def median(step, steps):
    """Seconds of one of so many steps."""
    times = []
    for _ in range(steps + 2):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[2:])


def wait(team, seconds, count):
    """Seconds that a small exchange adds to so many seconds of work on each rank: the mean of `count` of them."""
    array = np.ones(16384, np.float32)

    def work(times):
        for _ in range(times):
            np.multiply(array, 1, out=array)

    times = max(1, round(seconds / median(lambda: work(100), 10) * 100))
    took = []
    for exchange in (lambda: None, lambda: team.communicator.gather(np.zeros(64))):
        team.communicator.barrier()
        begun = time.perf_counter()
        for _ in range(count):
            work(times)
            exchange()
        team.communicator.barrier()
        took.append(time.perf_counter() - begun)
    return (took[1] - took[0]) / count


def shared_memory(team, total):
    """A sum over ranks of one machine without MPI's messages: each adds its share of all, in memory that all see."""
    from mpi4py import MPI

    window = MPI.Win.Allocate_shared(4 * total, 4, comm=MPI.COMM_WORLD)
    seen = [np.frombuffer(window.Shared_query(rank)[0], np.float32) for rank in range(team.size)]
    mine, own = seen[team.rank], slice(total * team.rank // team.size, total * (team.rank + 1) // team.size)

    def exchange(gradients):
        np.concatenate([gradient.reshape(-1) for gradient in gradients], out=mine)
        team.communicator.barrier()
        result = sum(each[own] for each in seen)
        for each in seen:
            each[own] = result
        team.communicator.barrier()

    return exchange


def last_bucket(sizes):
    """Bytes of the gradients that are left when the walk back is over, from the bytes of each in its order."""
    filled = 0
    for size in sizes:
        filled = 0 if filled + size >= BUCKET_BYTES else filled + size
    return filled


def measure(name, steps, team):
    """What this rank measures, all ranks at once: seconds, but for counts, bytes and shares."""
    net, x, y = make(name)
    x, y = part_of(team, x, y)
    sgd = SGD(net.parameters(), RATE)
    gradients = [np.zeros(p.shape, p.dtype) for p in net.parameters()]

    def exchange():
        buckets = Buckets(team.communicator)
        for gradient in gradients:
            buckets.add(gradient, lambda total: None)
        buckets.finish()

    def forward():
        with Tape():
            ops.softmax_cross_entropy(net(Tensor(x)), y)

    team.start(net)
    team_module.Buckets = Watched
    found = {"step": median(lambda: train_step(net, sgd, x, y, team=team), steps)}
    walks = team.communicator.gather(np.reshape(WALKS, -1)).reshape(team.size, -1, 2)
    team.communicator.barrier()
    found["compute"] = median(lambda: train_step(net, sgd, x, y, team=Team()), steps)
    team.communicator.barrier()
    found["forward"] = median(forward, steps)
    team.communicator.barrier()
    found["exchange"] = median(exchange, steps)
    found["waits"] = 2 + 2 * sum(isinstance(part, BatchNorm2d) for part in net.modules())
    found["bytes"] = sum(gradient.nbytes for gradient in gradients)
    found["last"] = last_bucket([gradient.nbytes for gradient in gradients[::-1]]) / found["bytes"]
    found["wait"], found["shared"], found["hidden"] = 0.0, 0.0, 0.0
    if team.size > 1:
        found["wait"] = wait(team, found["compute"] / found["waits"], 4 * steps)
        by_hand = shared_memory(team, found["bytes"] // 4)
        found["shared"] = median(lambda: by_hand(gradients), steps)
        left = np.median(walks[..., 1].max(axis=0) - walks[..., 0].max(axis=0))
        found["hidden"] = float(max(0, 1 - left / found["exchange"]))
    return found


def model(found):
    """Seconds of a step, from what its parts take."""
    backward = found["compute"] - found["forward"]
    left = max(found["last"] * found["exchange"], found["exchange"] - backward / 2)
    return found["compute"] + found["waits"] * found["wait"] + (left if found["wait"] else 0.0)


def torch_step(name, steps):
    """The same in PyTorch, by one process with all cores."""
    import torch
    import torch_nets

    net, x, y = make(TWIN.get(name, name))
    net = interop.to_torch(net)
    step = torch_nets.step_of(net, *torch_nets.batch_of(x, y), torch.optim.SGD(net.parameters(), RATE))
    return {"step": median(step, steps)}


def child(options):
    """The process of one turn, or one of its ranks; prints what was measured."""
    if options.of == "torch":
        print(json.dumps(torch_step(options.child, options.steps)))
        return 0
    with join(1, __file__) as team:
        found = measure(options.child, options.steps, team)
        if team.first:
            print(json.dumps(found))
    return 0


def turn(name, of, steps):
    """What one turn of `of`, a number of ranks or "torch", has measured."""
    command = [__file__, "--child", name, "--of", of, "--steps", str(steps)]
    return output(command, 1 if of == "torch" else int(of), cores())


def output(command, ranks, threads):
    """What a Python program prints as JSON: as so many ranks, or as one process with so many threads."""
    start = ["-c", LAUNCH, str(ranks)] if ranks > 1 else []
    environment = {} if ranks > 1 else {name: str(threads) for name in THREADS}
    found = subprocess.run(
        [sys.executable, *start, *command], env=os.environ | environment, stdout=subprocess.PIPE, check=True
    )
    return json.loads(found.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=["vgg16", "specvgg16", "speclenet5"])
    parser.add_argument("--ranks", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--child", choices=NETS, help=argparse.SUPPRESS)
    parser.add_argument("--of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options)
    if max(options.ranks) > 1:
        program.need("mpi4py")
    program.takes(10)
    sides = [*map(str, options.ranks), *(["torch"] if importlib.util.find_spec("torch") else [])]
    print(f"{cores()} cores, load {os.getloadavg()[0]:.1f} before")
    print("| net | ranks | step, ms | model, ms | compute, ms | a wait, ms | exchange, ms | through shared memory, ms "
          "| hidden | / PyTorch |\n|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for name in options.nets:
        turns = [{of: turn(name, of, options.steps) for of in sides} for _ in range(options.rounds)]
        for of in sides:
            found = {key: statistics.median(each[of][key] for each in turns) for key in turns[0][of]}
            cells = [f"{1e3 * found['step']:.1f}"]
            if of == "torch":
                cells += ["-"] * 6
            else:
                shown = [model(found), found["compute"], found["wait"], found["exchange"], found["shared"]]
                cells += [f"{1e3 * each:.{1 + (each < 1e-3)}f}" for each in shown]
                cells += [f"{found['hidden']:.0%}" if of != "1" else "-"]
            ratio = [each[of]["step"] / each["torch"]["step"] for each in turns] if "torch" in sides else []
            print(f"| {name} | {of} | {' | '.join(cells)} | {statistics.median(ratio):.2f} |" if ratio
                  else f"| {name} | {of} | {' | '.join(cells)} | - |", flush=True)  # fmt: skip
    print(f"load {os.getloadavg()[0]:.1f} after")
    return 0


if __name__ == "__main__":
    sys.exit(program.guarded(main))
