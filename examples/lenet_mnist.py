"""Train the paper's spectral LeNet-5 on MNIST, beside its spatial twin, and say what each one costs.

    python examples/lenet_mnist.py                        both nets, 5 epochs, a few minutes on a laptop
    python examples/lenet_mnist.py --train-size 6000      a quick look
    python examples/lenet_mnist.py --resume               go on where Ctrl-C (or the power cut) stopped

The loop itself is Training.run in training/loop.py: forward under a Tape, backward, update. Results go to --out.
"""

import os
import sys

from common import (
    Parser,
    add_common,
    guarded,
    loaders,
    merged,
    number,
    open_checkpoint,
    table,
    train_all,
    write_results,
)

from specframe import backend
from specframe.data import MNIST, DataError, Digits
from specframe.models import LeNet5, SpecLeNet5
from specframe.training import PRESETS, Training, plots

OUT = "runs/lenet_mnist"
DIGITS_EPOCHS = 40  # the bundled set is 42 times smaller than MNIST


def main(arguments=None):
    parser = make_parser()
    return guarded(parser, run, vars(parser.parse_args(arguments)))


def make_parser():
    parser = Parser("lenet_mnist.py", __doc__.split("\n\n")[0])
    add_common(parser, OUT, f"{PRESETS['lenet'].lr:g}", f"5; digits {DIGITS_EPOCHS}; paper 300")
    add = parser.add_argument
    add("--data", choices=["mnist", "digits"],
        help="data set; by default MNIST, or the bundled 8 x 8 digits where MNIST cannot be had")
    add("--tanh-scale", type=number(float, 0, strict=True),
        help=f"a in a tanh(x / a) of the spectral activation ({PRESETS['lenet'].tanh_scale:g}; the paper's is 1)")
    add("--no-twin", action="store_true", help="train the spectral net only")
    add("--paper", action="store_true",
        help="the paper's settings: lr 0.1 halved every 50 epochs, momentum 0.95, plain tanh, 300 epochs")
    return parser


def settled(given, saved):
    """All options, from those given, those of the checkpoint (or None), and the defaults."""
    preset = PRESETS["paper" if given.get("paper") else "lenet"]
    defaults = {
        "device": "auto", "out": OUT, "data_dir": None, "data": None, "beta": 0.5, "tanh_scale": preset.tanh_scale,
        "epochs": None, "batch_size": preset.batch_size, "lr": preset.lr, "store": "auto", "seed": 0,
        "train_size": None, "no_twin": False, "paper": False,
    }  # fmt: skip
    return merged(given, saved, defaults)


def load_data(option):
    """(name, training set, test set). Only when nothing was asked for do the bundled digits stand in for MNIST."""
    asked = option["data"] == "mnist" or option["data_dir"] is not None
    if option["data"] != "digits":
        try:
            return "mnist", MNIST("train", option["data_dir"]), MNIST("test", option["data_dir"])
        except DataError as error:
            if asked:
                raise
            print(
                f"*** MNIST CANNOT BE HAD: {error}\n"
                "*** TRAINING ON THE 1797 BUNDLED 8 x 8 DIGITS INSTEAD. These are not MNIST figures.\n"
                "*** To train on MNIST, put its four files into a folder and pass --data-dir FOLDER.",
                file=sys.stderr,
            )
    return "digits", Digits("train"), Digits("test")


def make_runs(option, steps_per_epoch, device):
    """A Training for each net; the twins start from the same weights."""
    preset = PRESETS["paper" if option["paper"] else "lenet"]
    nets = {"spectral": SpecLeNet5(beta=option["beta"], scale=option["tanh_scale"], seed=option["seed"])}
    if not option["no_twin"]:
        nets["spatial"] = LeNet5(seed=option["seed"])
    runs = {}
    for name, net in nets.items():
        chosen = preset.optimizer(net.to(device), steps_per_epoch, epochs=option["epochs"], lr=option["lr"])
        runs[name] = Training(net, *chosen)
    return runs


def run(given):
    checkpoint, saved = open_checkpoint(given, OUT)
    option = settled(given, saved and saved["options"])
    device = backend.get(option["device"])
    option["data"], train_set, test_set = load_data(option)
    if option["epochs"] is None:
        short = 5 if option["data"] == "mnist" else DIGITS_EPOCHS
        option["epochs"] = PRESETS["paper"].epochs if option["paper"] else short
    train, test = loaders(option, train_set, test_set, device)
    print(f"{len(train.dataset)} training and {len(test_set)} test images of {option['data']}, on {device.name}; "
          f"results in {option['out']}")  # fmt: skip

    runs = make_runs(option, len(train), device)
    if not train_all(runs, option, train, test, checkpoint, saved):
        print(f"stopped; go on with: python examples/lenet_mnist.py --resume --out {option['out']}")
        return 130
    title = f"LeNet-5 on {test_set.name.split()[0]}"
    if write_results(option["out"], option["data"], device, runs, title):
        plots.spectra(os.path.join(option["out"], "spectra.png"), runs["spectral"].model.conv1, test_set.images[0])
    print(table(runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
