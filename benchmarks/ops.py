"""Where does a training step spend its time? Milliseconds of every op's forward and backward.

    python benchmarks/ops.py --checkpoint runs/lenet_mnist/checkpoint.npz
    python benchmarks/ops.py --net specvgg16
    taskset -c 0 python benchmarks/ops.py --net vgg16 --torch        beside PyTorch's profiler, one thread each

Medians over the steps, in this process; the sum is a little less than the step, which also packs, walks and updates.
A backward includes what it makes again (`remake`), which is listed too. PyTorch's side of SpecLeNet5 is its spatial
LeNet-5; its times are those of the kernels, means over the steps.
"""

import argparse
import collections
import statistics
import sys
import time

import deep_step
import program
import step

from specframe import interop
from specframe.models import LeNet5, SpecLeNet5
from specframe.optim import SGD
from specframe.tape import Op
from specframe.training import train_step

# A part of PyTorch's name of a kernel -> our op that does the same.
PYTORCH = {"convolution": "conv2d", "batch_norm": "batch_norm2d", "relu": "relu", "threshold": "relu",
           "clamp_min": "relu", "max_pool": "max_pool2d", "tanh": "tanh", "mm": "linear",
           "nll_loss": "softmax_cross_entropy", "log_softmax": "softmax_cross_entropy"}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--net", choices=["speclenet5", "lenet5", *deep_step.NETS], default="speclenet5")
    parser.add_argument("--checkpoint", help="weights of trained LeNets, as examples/lenet_mnist.py writes them")
    parser.add_argument("--width", type=float, default=0.25, help="scales the channels of all but LeNet (0.25)")
    parser.add_argument("--train-steps", type=int, default=40, help="steps of training before, for all but LeNet (40)")
    parser.add_argument("--data-dir", help="folder with the data files (default: as the examples look for them)")
    parser.add_argument("--recompute", choices=["block"])
    parser.add_argument("--steps", type=int, help="steps timed (200 of LeNet, 20 of others)")
    parser.add_argument("--batch-size", type=int, default=64, help="images a step (64)")
    parser.add_argument("--torch", action="store_true", help="set PyTorch's milliseconds beside ours")
    options = parser.parse_args()
    deep = options.net in deep_step.NETS
    options.steps = options.steps or (20 if deep else 200)

    if options.torch:
        program.need("torch")
    program.takes(1)
    net, x, y = deep_step.trained(options.net, options) if deep else lenet(options)
    optimizer = SGD(net.parameters(), 1e-7, 0.9)
    for _ in range(20):
        train_step(net, optimizer, x, y, recompute=options.recompute)
    times = collections.defaultdict(list)
    for op in leaves(Op):
        for part in ("forward", "backward", "remake"):
            if part in vars(op):
                timed(op, part, times)
    steps = []
    for _ in range(options.steps):
        start = time.perf_counter()
        train_step(net, optimizer, x, y, recompute=options.recompute)
        steps.append(time.perf_counter() - start)

    print("| op | shape of its first array | calls a step | ms together |\n|---|---|---|---|")
    total, by_op = 0.0, collections.Counter()
    for (name, part, shape), each in times.items():
        calls = len(each) / options.steps
        together = 1e3 * statistics.median(each) * calls
        if part != "remake":  # it is part of a backward, or of a forward that calls it
            total += together
            by_op[name] += together
        print(f"| {name} {part} | {'x'.join(map(str, shape))} | {calls:g} | {together:.3f} |")
    print(f"| forward and backward together | | | {total:.2f} |\n| step | | | {1e3 * statistics.median(steps):.2f} |\n")
    peer = pytorch(net, x, y, options.steps) if options.torch else collections.Counter()
    print("| op | ms | share |" + (" PyTorch, ms | ours / theirs |" if peer else ""))
    print("|---|---|---|" + ("---|---|" if peer else ""))
    for name in [*(by_op | peer)]:
        row = f"| {name} | {by_op[name]:.2f} | {by_op[name] / total:.0%} |"
        ratio = f"{by_op[name] / peer[name]:.2f}" if by_op[name] and peer[name] else "-"
        print(row + (f" {peer[name]:.2f} | {ratio} |" if peer else ""))
    if peer:
        theirs = peer.total()
        print(f"| together | {total:.2f} | | {theirs:.2f} | {total / theirs:.2f} |")


def pytorch(net, x, y, steps):
    """Counter {our name of an op: milliseconds of a step} of the same net in PyTorch, of SpecLeNet5's twin."""
    import torch
    import torch_nets

    peer = interop.to_torch(LeNet5() if isinstance(net, SpecLeNet5) else net)
    train = torch_nets.step_of(peer, *torch_nets.batch_of(x, y))
    for _ in range(5):
        train()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for _ in range(steps):
            train()
    by_op = collections.Counter()
    for event in profile.key_averages():
        name = next((ours for part, ours in PYTORCH.items() if part in event.key), "what connects them")
        by_op[name] += event.self_cpu_time_total / 1e3 / steps
    return by_op


def lenet(options):
    """(net, x, y), with the weights of a checkpoint where there is one."""
    states, settings = step.trained(options)
    net = SpecLeNet5(**settings) if options.net == "speclenet5" else LeNet5()
    net.load_state_dict(states.get("spectral" if options.net == "speclenet5" else "spatial", net.state_dict()))
    return net, *step.batch(options)


def leaves(op):
    """All ops, the subclasses of Op."""
    for sub in op.__subclasses__():
        yield sub
        yield from leaves(sub)


def timed(op, part, times):
    """Replace one function of an op by itself with a clock around."""
    function = getattr(op, part)

    def with_clock(ctx, array, *rest, **options):
        start = time.perf_counter()
        result = function(ctx, array, *rest, **options)
        times[op.name, part, tuple(array.shape)].append(time.perf_counter() - start)
        return result

    setattr(op, part, staticmethod(with_clock))


if __name__ == "__main__":
    sys.exit(program.guarded(main))
