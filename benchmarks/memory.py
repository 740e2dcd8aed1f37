"""Every way to save memory, beside PyTorch: bytes saved for backward, real peak of a step, its time, its gradient.

    python benchmarks/memory.py
    python benchmarks/memory.py --nets vgg16 --strategies dense quant8 quant8+checkpoint torch --rounds 5
    python benchmarks/memory.py --checkpoint runs/specvgg16_cifar10/checkpoint.npz

Strategies are sums of parts (benchmarks/strategies.py): the spatial twin with ReLU and batch normalisation, or with
`spec` the spectral net. torch is the plain twin in PyTorch, torch+checkpoint the same with torch.utils.checkpoint over
the stages (benchmarks/memory_torch.py). A step is forward, backward and update of a batch of real images.

    saved      bytes held at the end of the forward, from the ledger; from saved_tensors_hooks in PyTorch
    highest    the most of them at any time: a checkpoint that runs again saves anew
    moved      bytes that were moved to a file
    ratio      highest, relative to what PyTorch's plain twin saves
    peak       growth of the process's resident memory within one step: everything, temporaries and gradients too
    step       median of `--rounds` turns; "x dense" is relative to this engine's dense twin within the same round
    packing    share of a step inside Store.pack; unpacking: inside the handles
    cosine     of the gradient with the exact one of the same net, weights and batch, over all parameters

Each strategy runs in two processes of its own (benchmarks/memory_child.py), since glibc is set differently for peaks
and for times; those that are timed take turns. Weights were trained for `--train-steps`, or come from a checkpoint of
examples/train.py: densities of an untrained spectral net are others. Needs the extra `oracle` (PyTorch) for its rows.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import memory_report
import memory_weights
import program
from strategies import SPECTRAL, TWIN, parse

from specframe.training import say, write_atomically

NETS = ("vgg16", "densenet", "lenet5")
PEERS = ("torch", "torch+checkpoint")
CHILD = pathlib.Path(__file__).with_name("memory_child.py")
EXACT_PEAK = {"SPECFRAME_KEEP_FREED": "0", "MALLOC_MMAP_THRESHOLD_": "65536"}
"""Arrays come from the system and go back to it at once, so that resident memory is what is in use, in both engines."""


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--nets", nargs="+", choices=NETS, default=NETS)
    add("--strategies", nargs="+", metavar="NAME", type=strategy, default=[*TWIN, *SPECTRAL, *PEERS],
        help="dense, quant8+checkpoint, spec+mask8, torch, ... (all)")  # fmt: skip
    add("--width", type=float, default=0.25, help="scales the channels of all but LeNet (0.25)")
    add("--batch-size", type=int, default=64, help="images a step (64)")
    add("--rounds", type=int, default=7, help="turns of each process; 0 measures no times (7)")
    add("--steps", type=int, default=3, help="steps a turn (3)")
    add("--threads", type=int, default=2, help="threads of each engine (2)")
    add("--train-steps", type=int, default=150, help="of the weights that are measured (150)")
    add("--checkpoint", nargs="+", default=[], help="of examples/train.py: weights of the nets in it")
    add("--data-dir", help="folder with the data files; without them, random images")
    add("--out", default="runs/benchmarks/memory.json", help="JSON file to write; the plot lies beside it")
    options = parser.parse_args(arguments)
    if set(options.strategies) & set(PEERS):
        program.need("torch")
    program.takes(4 * len(options.nets) * len(options.strategies) / len([*TWIN, *SPECTRAL, *PEERS]))
    results = {}
    with program.bar(len(options.nets) * len(options.strategies) * (2 + options.rounds), "turn") as progress:
        for net in options.nets:
            progress.set_postfix_str(net)
            results[net] = compare(net, options, progress)
            say(memory_report.table(net, results[net]) + "\n")
    print(memory_report.PAPER)
    content = json.dumps({"options": vars(options), "nets": results}, indent=2) + "\n"
    write_atomically(options.out, lambda file: file.write(content.encode()))
    picture = memory_report.plot(os.path.splitext(options.out)[0] + ".png", results)
    print(f"\nwritten to {options.out}" + (f" and {picture}" if picture else ""))


def strategy(name):
    """An argparse type: the name of a strategy."""
    try:
        if name not in PEERS:
            parse(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def compare(net, options, progress):
    """{strategy: its figures} for one net; a strategy that cannot be has its reason under "refused"."""
    with tempfile.TemporaryDirectory() as folder:
        memory_weights.prepare(net, options, folder)
        results = {}
        for name in options.strategies:
            results[name] = figures(net, name, options, folder)
            progress.update()
        runnable = [name for name, result in results.items() if "refused" not in result and options.rounds]
        progress.update((len(results) - len(runnable)) * (1 + options.rounds))  # of those that are left out
        for name, turns in alternate(net, runnable, options, folder, progress).items():
            results[name] |= turns
    return results


def start(what, net, strategy, options, folder, **environment):
    """The process that measures one strategy, with pipes to it and from it."""
    job = {"what": what, "net": net, "strategy": strategy, "folder": folder, "width": options.width,
           "steps": options.steps, "threads": options.threads}  # fmt: skip
    threads = {name: str(options.threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    return subprocess.Popen(
        [sys.executable, CHILD, json.dumps(job)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | threads | environment,
    )  # fmt: skip


def figures(net, strategy, options, folder):
    """Bytes, peak and cosine of a strategy."""
    child = start("bytes", net, strategy, options, folder, **EXACT_PEAK)
    return answer(strategy, child, child.communicate()[0])


def alternate(net, strategies, options, folder, progress):
    """{strategy: {"turns": seconds of a step in each round, "packing", "unpacking": shares of it}}."""
    children, shares = {}, {}
    for name in strategies:
        children[name] = start("seconds", net, name, options, folder)
        children[name].stdout.readline()  # one at a time: nobody else runs while it warms up
        progress.update()
    turns = {name: [] for name in children}
    for _ in range(options.rounds):
        for name, child in children.items():
            turns[name].append(statistics.median(ask(name, child, "times")))
            progress.update()
    for name, child in children.items():
        shares[name] = ask(name, child, "shares")
        child.communicate()
    return {name: {"turns": turns[name], **shares[name]} for name in children}


def ask(name, child, question):
    child.stdin.write(question + "\n")
    child.stdin.flush()
    return answer(name, child, child.stdout.readline())


def answer(name, child, line):
    if not line:
        raise RuntimeError(f"the process of {name} ended early")
    return json.loads(line)


if __name__ == "__main__":
    sys.exit(program.guarded(main))
