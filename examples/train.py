"""Train a network, spectral or spatial, on MNIST, CIFAR-10, SVHN, the bundled digits or a folder of pictures.

    python examples/train.py --model speclenet5 --data mnist --twin
    python examples/train.py --model specvgg16 --data cifar10 --width 0.25 --train-size 10000 --epochs 10 --twin
    python examples/train.py --resume --out runs/specvgg16_cifar10
    mpiexec -n 4 --hosts a,b python examples/train.py ...      on several machines; on this one alone: --workers 4

The loop is Training.run in training/loop.py; examples/lenet_mnist.py has one on its page. Results go to --out, by
default runs/MODEL_DATA.
"""

import shlex
import sys
from pathlib import Path
from typing import Any, NoReturn

from command_line import Parser, guarded
from networks import build, put_under_checkpoints, twin_of
from train_options import DEFAULTS, LATER, augmentation, default_out, flags_of, make_parser, settled

from specframe import backend
from specframe.data import DataLoader, Dataset, open_dataset
from specframe.layers import SpectralBlock
from specframe.models import summary
from specframe.optim import SGD, ConstantLR, OneCycleLR, Schedule, StepLR
from specframe.training import BetaWarmup, CheckpointError, Training, load_checkpoint, plots, save_checkpoint, say
from specframe.training.parallel import Team, join
from specframe.training.report import table, write_report

HALVE_EVERY = 50  # epochs, as in the paper
OF_IMAGES = ("classes", "image_shape")  # what a checkpoint says of the images, for those who build its nets again


def main(arguments: list[str] | None = None) -> int:
    parser = make_parser()
    given = vars(parser.parse_args(arguments))
    if "model" not in given and not given.get("resume"):
        parser.error("which network? --model NAME is needed")

    def run_in_team(given: dict[str, Any]) -> int:
        with join(given.pop("workers", 1), __file__, arguments) as team:
            return run(given, team)

    return guarded(parser, run_in_team, given)


def load_run(path: Path) -> dict[str, Any]:
    """The content of a checkpoint of this program; its options are read as those of a command line are.

    Raises
    ------
    CheckpointError
        There is none, or its options are not what this program writes.
    """

    class Recorded(Parser):
        def error(self, message: str) -> NoReturn:
            raise CheckpointError(f"{path}: its options make no run: {message}")

    saved = load_checkpoint(path)
    options, nets = saved.get("options"), saved.get("nets")
    options = LATER | options if isinstance(options, dict) else options
    if not isinstance(options, dict) or not isinstance(nets, dict) or set(options) != {*DEFAULTS, *OF_IMAGES}:
        raise CheckpointError(f"{path}: not a checkpoint of examples/train.py")
    given = settled(vars(make_parser(Recorded).parse_args(flags_of(options))), None)
    if any(given[name] != options[name] for name in DEFAULTS):
        raise CheckpointError(f"{path}: its options are not those of one run")
    return saved | {"options": options}


def load_data(option: dict[str, Any]) -> tuple[Dataset, Dataset]:
    """(training set, test set)."""
    train_set, test_set = (open_dataset(option["data"], part, option["data_dir"]) for part in ("train", "test"))
    return (
        train_set.subset(option["train_size"] or len(train_set)),
        test_set.subset(option["test_size"] or len(test_set)),
    )


def make_runs(option: dict[str, Any], steps: int, device: backend.Backend) -> dict[str, Training]:
    """A Training for the net, and one for its twin; `steps` is that of an epoch."""
    names = [option["model"], *([twin_of(option["model"])] if option["twin"] else [])]
    channels, image_size, cols = option["image_shape"]
    if image_size != cols:
        raise ValueError(f"{option['data']}: the networks take square images, got {image_size} x {cols}; "
                         "folder:PATH:SIZE brings pictures to SIZE x SIZE")  # fmt: skip
    runs = {}
    for name in names:
        net = build(name, option, channels, image_size).to(device)
        if option["slices"] is not None:
            put_under_checkpoints(net, option["slices"], image_size)
        sgd = SGD(net.parameters(), option["lr"], option["momentum"], option["weight_decay"])
        runs["spectral" if twin_of(name) else "spatial"] = Training(net, sgd, make_schedule(option, sgd, steps))
    return runs


def make_schedule(option: dict[str, Any], sgd: SGD, steps: int) -> Schedule:
    """The learning rate of each step, for epochs of so many steps."""
    if option["schedule"] == "cycle":
        return OneCycleLR(sgd, option["epochs"] * steps)
    return StepLR(sgd, HALVE_EVERY * steps) if option["schedule"] == "halve" else ConstantLR(sgd)


def restore(runs: dict[str, Training], saved: dict[str, Any], epochs: int) -> None:
    """Bring the nets to where the checkpoint has them; they may go on for another number of epochs than planned."""
    planned = saved["options"]["epochs"]
    for name, training in runs.items():
        if epochs != planned and training.schedule.total is not None:
            raise ValueError(
                f"--epochs {epochs}: the learning rate of this run follows one cycle over {planned} epochs, which has "
                "one end; only runs with --schedule halve or constant can go on for longer"
            )
        training.load_state_dict(saved["nets"].get(name, {}))
        if training.epoch > epochs:
            raise ValueError(f"--epochs {epochs}: the {name} net has been trained for {training.epoch} epochs already")


def run(given: dict[str, Any], team: Team) -> int:
    out = Path(given.get("out") or default_out(given)).expanduser()
    checkpoint = out / "checkpoint.npz"
    saved = load_run(checkpoint) if given.get("resume") else None
    option = settled(given, saved and saved["options"])
    device = backend.get(option["device"])
    train_set, test_set = load_data(option)
    option |= {"classes": list(train_set.classes), "image_shape": list(train_set.images.shape[1:])}
    train = DataLoader(
        train_set, option["batch_size"], shuffle=True, seed=option["seed"], device=device,
        transform=augmentation(option), shard=team.shard,
    )  # fmt: skip
    test = DataLoader(test_set, 500, device=device, shard=team.shard)
    runs = make_runs(option, len(train), device)
    if saved is not None:
        restore(runs, saved, option["epochs"])
    net = next(iter(runs.values())).model
    kept = {name: option[name] for name in (*DEFAULTS, *OF_IMAGES)}

    def save(_: Training) -> None:
        nets = {name: training.state_dict() for name, training in runs.items()}
        save_checkpoint(checkpoint, {"options": kept, "nets": nets})

    with team.run_folder(out, resume=saved is not None, overwrite=given.get("overwrite", False)):
        if saved is None:
            say(summary(net, (option["batch_size"], *train_set.images.shape[1:])) + "\n")
        say(f"{option['model']}: {len(train_set)} training and {len(test_set)} test images of {option['data']}, "
            f"on {device.name}; results in {out}")  # fmt: skip
        for name, training in runs.items():
            warmup = BetaWarmup(net, option["beta_warmup"]) if option["beta_warmup"] and name == "spectral" else None
            done = training.run(
                train, test, option["epochs"], store=option["store"], name=name, before_epoch=warmup, on_epoch=save,
                team=team,
            )  # fmt: skip
            if not done:
                again = f"python examples/train.py --resume --out {shlex.quote(str(out))}"
                say(f"stopped{team.stopped_by}; go on with: {again}")
                return 130
        if not team.first:
            return 0
        histories = {name: training.history for name, training in runs.items()}
        title = f"{option['model']} on {option['data']}"
        write_report(out, histories, data=option["data"], device=device.name, title=title, pictures=option["pictures"])
        block = next((part for part in net.modules() if isinstance(part, SpectralBlock)), None)
        if block is not None and option["pictures"] and plots.available():
            plots.spectra(out / "spectra.png", block, test_set.images[0])
        say("\n" + table(histories))
    return 0


if __name__ == "__main__":
    sys.exit(main())
