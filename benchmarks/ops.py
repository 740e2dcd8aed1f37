"""Where does a training step spend its time? Milliseconds of every op's forward and backward.

    python benchmarks/ops.py --checkpoint runs/lenet_mnist/checkpoint.npz
    python benchmarks/ops.py --net specvgg16

Medians over the steps, in this process; the sum is a little less than the step, which also packs, walks and updates.
A backward includes what it makes again (`remake`), which is listed too.
"""

import argparse
import collections
import statistics
import sys
import time

import deep_step
import program
import step

from specframe.models import LeNet5, SpecLeNet5
from specframe.optim import SGD
from specframe.tape import Op
from specframe.training import train_step


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
    options = parser.parse_args()
    deep = options.net in deep_step.NETS
    options.steps = options.steps or (20 if deep else 200)

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
    print("| op | share of forward and backward |\n|---|---|")
    for name, together in by_op.most_common():
        print(f"| {name} | {together / total:.0%} |")


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
