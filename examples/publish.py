"""Make a net that examples/train.py has trained one of those that come with the package.

    python examples/publish.py runs/speclenet5_mnist/checkpoint.npz speclenet5_mnist

Writes models/pretrained/NAME.npz: the weights of the last epoch in half precision, at most 4 MB, with a model card. The
accuracy on the card is measured here, with these very weights, on the whole test set.
"""

import sys
from pathlib import Path
from typing import Any

from command_line import Parser, guarded
from networks import arguments_of
from train import load_run
from train_options import command_of

from specframe import backend, models
from specframe.data import DataLoader, open_dataset
from specframe.models import zoo
from specframe.training import evaluate, say

FOLDER = Path(__file__).parents[1] / "models" / "pretrained"


def main(arguments: list[str] | None = None) -> int:
    parser = Parser("publish.py", __doc__.split("\n\n")[0])
    add = parser.add_argument
    add("checkpoint", metavar="CHECKPOINT", help="written by examples/train.py")
    add("name", metavar="NAME", help="what models.pretrained(NAME) will be asked for")
    add("--net", choices=["spectral", "spatial"], default="spectral", help="which net of the checkpoint (spectral)")
    add("--data-dir", metavar="DIR", default=None, help="folder with the data files; else $SPECFRAME_DATA, the cache")
    add("--out", metavar="DIR", default=str(FOLDER), help="folder to write to (models/pretrained)")
    return guarded(parser, run, vars(parser.parse_args(arguments)))


def run(given: dict[str, Any]) -> int:
    saved = load_run(Path(given["checkpoint"]))
    option, trained = saved["options"], saved["nets"].get(given["net"])
    if trained is None:
        raise ValueError(f"{given['checkpoint']}: holds no {given['net']} net, but {' and '.join(saved['nets'])}")
    name = option["model"] if given["net"] == "spectral" else option["model"].removeprefix("spec")
    kind, settings = arguments_of(name, option, option["image_shape"][0], option["image_shape"][1])
    net = kind(**settings).to(backend.get("cpu"))
    net.load_state_dict({key: zoo.half(key, array) for key, array in trained["model"].items()})
    test = DataLoader(open_dataset(option["data"], "test", given["data_dir"]), 500, device="cpu")
    accuracy = evaluate(net, test)[1]
    last = trained["history"][-1]
    card = models.ModelCard(
        kind.__name__, settings, option["data"], accuracy, last["saved_bytes"], option["batch_size"], command_of(option)
    )
    path = Path(given["out"]) / f"{given['name']}.npz"
    zoo.write(net, card, path)
    say(f"{path}: {path.stat().st_size / 1e6:.2f} MB\n{card}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
