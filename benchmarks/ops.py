"""Where does a training step of SpecLeNet-5 spend its time? Milliseconds of every op's forward and backward.

    python benchmarks/ops.py --checkpoint runs/lenet_mnist/checkpoint.npz

Medians over the steps, in this process; the sum is a little less than the step, which also packs, walks and updates.
A backward includes what it makes again (`remake`), which is listed too.
"""

import argparse
import collections
import statistics
import time

from step import batch, trained

from specframe.models import LeNet5, SpecLeNet5
from specframe.optim import SGD
from specframe.tape import Op
from specframe.training import train_step


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--checkpoint", help="weights of trained nets, as examples/lenet_mnist.py writes them")
    parser.add_argument("--data-dir", help="folder with the MNIST files (default: as the example looks for them)")
    parser.add_argument("--net", choices=["spectral", "spatial"], default="spectral")
    parser.add_argument("--recompute", choices=["block"])
    parser.add_argument("--steps", type=int, default=200, help="steps timed (200)")
    parser.add_argument("--batch-size", type=int, default=64, help="images a step (64)")
    options = parser.parse_args()

    states, settings = trained(options)
    net = SpecLeNet5(**settings) if options.net == "spectral" else LeNet5()
    net.load_state_dict(states.get(options.net, net.state_dict()))
    optimizer = SGD(net.parameters(), 1e-7, 0.9)
    x, y = batch(options)
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

    print("| op | shape of its first array | ms |\n|---|---|---|")
    total = 0.0
    for (name, part, shape), each in times.items():
        middle = 1e3 * statistics.median(each)
        total += middle if part != "remake" else 0.0
        print(f"| {name} {part} | {'x'.join(map(str, shape))} | {middle:.3f} |")
    print(f"| forward and backward together | | {total:.2f} |\n| step | | {1e3 * statistics.median(steps):.2f} |")


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
    main()
