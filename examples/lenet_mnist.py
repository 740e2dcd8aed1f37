"""Train the paper's spectral LeNet-5 on MNIST, beside its spatial twin, and say what each one costs.

    python examples/lenet_mnist.py                        both nets, 5 epochs, a few minutes on a laptop
    python examples/lenet_mnist.py --train-size 6000      a quick look

Copy it and change what you like. Other nets, other data, and runs that stop and go on: examples/train.py.
"""

import math
import os
import sys
import time
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator

from tqdm import tqdm

import specframe as sf
from specframe.data import MNIST, DataError, DataLoader, Dataset, Digits
from specframe.layers import Module
from specframe.models import LeNet5, SpecLeNet5
from specframe.optim import SGD, OneCycleLR
from specframe.training import Epoch, History, evaluate, fingerprint, plots, save_checkpoint, say, step_cost
from specframe.training.allocator import keep_freed_memory
from specframe.training.parallel import Team, join
from specframe.training.report import table, write_report


def train(
    name: str, model: Module, batches: DataLoader, tests: DataLoader, args: Namespace, team: Team
) -> Iterator[Epoch]:
    """Train a net; gives what each epoch reached and cost. A team of several has a part of each batch on each rank."""
    optimizer = SGD(model.parameters(), args.lr, momentum=0.9, weight_decay=5e-4)
    schedule = OneCycleLR(optimizer, args.epochs * len(batches))
    images = len(batches.dataset)
    for epoch in range(args.epochs):
        title, start, total = f"{name} epoch {epoch + 1}/{args.epochs}", time.perf_counter(), 0.0
        for x, y in tqdm(batches.epoch(epoch), title, len(batches), leave=False, disable=None):
            seed = team.seed(schedule.t)  # for stores that round at random
            with team.batch(len(y)), sf.Tape(store=args.store, seed=seed) as tape:
                loss = sf.ops.softmax_cross_entropy(model(sf.Tensor(x)), y)
            optimizer.zero_grad()
            loss = team.backward(tape, loss)  # alone, this is tape.backward(loss)
            if not math.isfinite(loss.item()):
                raise ValueError(f"{title}: the loss became {loss.item()}, try a smaller --lr")
            optimizer.step()
            schedule.step()
            total += loss.item() * team.images
        seconds = time.perf_counter() - start
        test_loss, accuracy = evaluate(model, tests, team)
        x, y = next(batches.epoch(epoch))  # a full batch
        ledger, peak = step_cost(model, x, y, args.store)
        saved, peak = map(int, team.sum(ledger.nbytes, peak))
        say(f"{title:24} loss {total / images:.4f}  test {100 * accuracy:.2f} %  {seconds:.1f} s")
        yield Epoch(epoch + 1, schedule.lr_at(schedule.t - 1), total / images, test_loss, accuracy, saved, peak,
                    ledger.spectra(), seconds, images / seconds)  # fmt: skip


def run(args: Namespace, team: Team) -> None:
    """Both nets, one after the other, and their results."""
    keep_freed_memory()  # asks the C library to reuse the arrays of the last step: faster
    device = sf.backend.get(args.device)
    data, train_set, test_set = load(args)
    train_set = train_set.subset(args.train_size or len(train_set))
    args.epochs = args.epochs or {"mnist": 5, "digits": 40}[data]  # there are 42 times fewer digits
    batches = DataLoader(train_set, args.batch_size, shuffle=True, seed=args.seed, device=device, shard=team.shard)
    tests = DataLoader(test_set, 500, device=device, shard=team.shard)
    spectral = SpecLeNet5(beta=args.beta, scale=args.tanh_scale, seed=args.seed)
    nets: dict[str, Module] = {"spectral": spectral}
    if not args.no_twin:
        nets["spatial"] = LeNet5(seed=args.seed)  # the twins start from the same weights
    sf.Tape(store=args.store)  # refuses an unknown store before anything is written
    with team.run_folder(args.out, overwrite=args.overwrite) as out:
        say(f"{len(train_set)} training and {len(test_set)} test images of {data}, on {device.name}; results in {out}")
        histories, done = {name: History() for name in nets}, {}
        settings = {"data": data, "beta": args.beta, "tanh_scale": args.tanh_scale, "seed": args.seed}
        try:
            for name, model in nets.items():
                team.start(model.to(device), data=fingerprint(train_set))
                for epoch in train(name, model, batches, tests, args, team):
                    histories[name].append(epoch)
                    done[name] = {"model": model.state_dict(), "history": histories[name].as_dicts()}
                    if team.first:
                        save_checkpoint(out / "checkpoint.npz", {"options": settings, "nets": done})
        except KeyboardInterrupt:
            say(f"stopped; the weights of the last epoch are in {out}" if done else "stopped in the first epoch")
            raise
        if not team.first:
            return
        write_report(out, histories, data=data, device=device.name, title=f"LeNet-5 on {data}")
        if plots.available():
            plots.spectra(out / "spectra.png", spectral.conv1, test_set.images[0])
        say("\n" + table(histories))


def load(args: Namespace) -> tuple[str, Dataset, Dataset]:
    """MNIST, or the digits that come with the package where MNIST cannot be had and nobody asked for it."""
    if args.data != "digits":
        try:
            return "mnist", MNIST("train", args.data_dir), MNIST("test", args.data_dir)
        except DataError as error:
            if args.data or args.data_dir:
                raise
            there = len(Digits("train"))
            size = args.train_size = min(args.train_size or there, there)
            print(
                f"*** MNIST CANNOT BE HAD: {error}\n"
                f"*** TRAINING ON {size} OF THE {there} BUNDLED DIGITS INSTEAD. These are not MNIST figures.\n"
                "*** To train on MNIST, put its four files into a folder and pass --data-dir FOLDER.", file=sys.stderr,
            )  # fmt: skip
    return "digits", Digits("train"), Digits("test")


def number(kind: Callable[[str], float], low: float) -> Callable[[str], float]:
    """An argparse type: a finite number from `low` on."""

    def parse(text: str) -> float:
        if not low <= float(text) < 1e18:
            raise ArgumentTypeError(f"expected a number from {low:g} on, got {text:.20}")
        return kind(text)

    parse.__name__ = kind.__name__  # argparse says: invalid int value
    return parse


def main(arguments: list[str] | None = None) -> int:
    sys.stderr = sys.stderr or open(os.devnull, "w")  # it was closed, by 2>&- or a service; the bar needs one
    parser = ArgumentParser(usage=SUPPRESS, description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--data", choices=["mnist", "digits"], help="by default MNIST, or the bundled digits where it cannot be had")
    add("--data-dir", metavar="DIR", help="folder with the data files; else $SPECFRAME_DATA, the cache, a download")
    add("--beta", type=number(float, 0), default=0.5, help="threshold on |Y|: larger keeps fewer frequencies (0.5)")
    add("--tanh-scale", type=number(float, 1e-6), default=2.0, help="a in a tanh(x / a); the paper's is 1 (2)")
    add("--epochs", type=number(int, 1), help="passes over the training set (5 of MNIST, 40 of the digits)")
    add("--batch-size", type=number(int, 1), default=64, help="images a step (64)")
    add("--lr", type=number(float, 1e-9), default=0.1, help="highest learning rate, of the one cycle (0.1)")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto takes a GPU where there is one (auto)")
    add("--workers", type=number(int, 0), default=1, help="processes that share each batch; 0: one a GPU or core (1)")
    add("--store", default="auto", help="how saved activations are kept: auto, dense, csr, mask, ... (auto)")
    add("--seed", type=number(int, 0), default=0, help="of the initial weights and the order of the images (0)")
    add("--train-size", type=number(int, 1), metavar="N", help="use only the first N training images")
    add("--no-twin", action="store_true", help="train the spectral net only")
    add("--out", default="runs/lenet_mnist", help="folder for metrics.json, weights, pictures (runs/lenet_mnist)")
    add("--overwrite", action="store_true", help="replace what an earlier run left in --out")
    try:
        args = parser.parse_args(arguments)
        with join(args.workers, __file__, arguments) as team:
            run(args, team)
    except KeyboardInterrupt:
        return 130
    except (ValueError, RuntimeError, OSError) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
