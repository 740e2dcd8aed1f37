"""Time one training step of LeNet-5, spectral and spatial, here and in PyTorch; count what each saves for backward.

    python benchmarks/step.py --checkpoint runs/lenet_mnist/checkpoint.npz

A step is forward, backward and update on a batch of real digits. Each net runs in a process of its own, since the
thread pools of two engines in one process slow each other down; the processes take turns (A B C A B C ...), each doing
a few steps while the others wait. Figures are medians, ratios are medians of the ratios within a round.

All nets have the weights of the checkpoint, whose densities are those of a trained net; without one, the spectral net
is first trained for 300 steps. The learning rate is so small that the weights stay where they are.
Needs the extra `oracle` (PyTorch).
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

import specframe as sf
from specframe.data import MNIST, DataError, DataLoader, Digits
from specframe.models import LeNet5, SpecLeNet5
from specframe.optim import SGD
from specframe.training import load_checkpoint, step_cost, train_step, write_atomically

VARIANTS = {
    "spectral": "specframe SpecLeNet5",
    "recompute": 'specframe SpecLeNet5, recompute="block"',
    "spatial": "specframe LeNet5",
    "torch_spatial": "PyTorch LeNet-5, nn.Conv2d",
    "torch_spectral": "PyTorch SpecLeNet-5, torch.fft",
}
RATIOS = [  # (what, of, to, what is compared, bar)
    ("time", "spectral", "torch_spatial", "step time, SpecLeNet5 / PyTorch spatial LeNet-5", 1.6),
    ("time", "spectral", "torch_spectral", "step time, SpecLeNet5 / the same net in PyTorch", 0.7),
    ("time", "recompute", "spectral", 'step time, recompute="block" / without', 1.25),
    ("bytes", "spectral", "torch_spatial", "saved bytes, SpecLeNet5 / PyTorch spatial LeNet-5", 0.37),
    ("bytes", "recompute", "torch_spatial", 'saved bytes, recompute="block" / PyTorch spatial LeNet-5', 0.20),
    ("bytes", "spectral", "spatial", "saved bytes, SpecLeNet5 / specframe LeNet5", None),
]
LR, MOMENTUM = 1e-7, 0.9


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--checkpoint", help="weights of trained nets, as examples/lenet_mnist.py writes them")
    parser.add_argument("--data-dir", help="folder with the MNIST files (default: as the example looks for them)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each process (15)")
    parser.add_argument("--steps", type=int, default=20, help="steps a turn (20)")
    parser.add_argument("--batch-size", type=int, default=64, help="images a step (64)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each engine (2)")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="run some of the nets")
    parser.add_argument("--out", default="runs/benchmarks/step.json", help="JSON file to write")
    parser.add_argument("--worker", choices=VARIANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options)
    else:
        compare(options)


# ---- the process that runs one net ------------------------------------------------------------------------------


def work(options):
    """Answer each line on standard input with the times of a few steps; the first answer tells the saved bytes."""
    step, saved = (torch_net if options.worker.startswith("torch") else specframe_net)(options)
    for _ in range(10):
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


def batch(options):
    """(x, y) of real digits in the framework's layout."""
    try:
        images = MNIST("train", options.data_dir, download=False)
    except DataError:
        images = Digits("train")
    return next(DataLoader(images, options.batch_size, shuffle=True, prefetch=0, device="cpu").epoch(0))


def trained(options):
    """({net: state}, {option: value} of the spectral net): from the checkpoint, or after a short training."""
    if options.checkpoint:
        saved = load_checkpoint(options.checkpoint)
        spectral = {"beta": saved["options"]["beta"], "scale": saved["options"]["tanh_scale"]}
        return {name: net["model"] for name, net in saved["nets"].items()}, spectral
    net = SpecLeNet5()
    optimizer = SGD(net.parameters(), 0.05, 0.9)
    x, y = batch(options)
    for _ in range(300):
        train_step(net, optimizer, x, y)
    return {"spectral": net.state_dict()}, {}


def specframe_net(options):
    states, spectral = trained(options)
    x, y = batch(options)
    if options.worker == "spatial":
        net = LeNet5()
        net.load_state_dict(states.get("spatial", net.state_dict()))
    else:
        net = SpecLeNet5(**spectral)
        net.load_state_dict(states["spectral"])
    optimizer = SGD(net.parameters(), LR, MOMENTUM)
    recompute = "block" if options.worker == "recompute" else None
    ledger, _ = step_cost(net, x, y, recompute=recompute)
    saved = {"bytes": ledger.nbytes, "density": ledger.spectra()}
    return lambda: train_step(net, optimizer, x, y, recompute=recompute), saved


def torch_net(options):
    import torch
    import torch_nets

    torch.set_num_threads(options.threads)
    states, spectral = trained(options)
    x, y = batch(options)
    if options.worker == "torch_spatial":
        net = torch_nets.TorchLeNet5()
        state = states.get("spatial")
    else:
        model = SpecLeNet5(**spectral)
        grids = [block.spectrum(sf.Tensor(np.zeros((n, n, 1, c), np.float32))).spectrum.grid
                 for block, n, c in ((model.conv1, 28, 1), (model.conv2, 14, 6))]  # fmt: skip
        net = torch_nets.TorchSpecLeNet5(model.conv1.beta, model.conv1.scale, grids)
        state = states["spectral"]
    if state:
        torch_nets.from_numpy_state(net, state)
    net = net.float()
    images, labels = torch.from_numpy(x.transpose(2, 3, 0, 1).copy()), torch.from_numpy(y)
    optimizer = torch.optim.SGD(net.parameters(), LR, MOMENTUM)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()

    return step, {"bytes": torch_nets.saved_bytes(net, images, labels), "density": []}


# ---- the process that compares ----------------------------------------------------------------------------------


def compare(options):
    environment = os.environ | {name: str(options.threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    workers, saved = {}, {}
    for name in options.only:
        command = [sys.executable, __file__, *sys.argv[1:], "--worker", name]
        workers[name] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        saved[name] = answer(name, workers[name])  # one at a time: nobody else runs while it warms up
    times = {name: [] for name in workers}
    for _ in range(options.rounds):
        for name, worker in workers.items():
            worker.stdin.write("go\n")
            worker.stdin.flush()
            times[name].append(statistics.median(answer(name, worker)))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    report(options, times, saved)


def answer(name, worker):
    line = worker.stdout.readline()
    if not line:
        sys.exit(f"step.py: the process of {name} ended early")
    return json.loads(line)


def report(options, times, saved):
    result = {
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "threads": options.threads},
        "batch_size": options.batch_size, "checkpoint": options.checkpoint, "nets": {}, "ratios": {},
    }  # fmt: skip
    print(f"| net | step, ms (median of {options.rounds} turns; fastest .. slowest) | saved, bytes | density |")
    print("|---|---|---|---|")
    for name, medians in times.items():
        low, middle, high = min(medians), statistics.median(medians), max(medians)
        density = ", ".join(f"{d:.3f}" for d in saved[name]["density"]) or "-"
        print(f"| {VARIANTS[name]} | {1e3 * middle:.2f} ({1e3 * low:.2f} .. {1e3 * high:.2f}) "
              f"| {saved[name]['bytes']:,} | {density} |")  # fmt: skip
        result["nets"][name] = {"seconds": middle, "turns": medians, **saved[name]}
    print("\n| ratio | median (smallest .. largest) | bar |\n|---|---|---|")
    for what, one, other, label, bar in RATIOS:
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


if __name__ == "__main__":
    main()
