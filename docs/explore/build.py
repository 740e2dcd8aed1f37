"""Build docs/explore.html, one page that holds all it needs: style, code, weights and digits.

    python docs/explore/build.py                                  from net.npz, beside this file
    python docs/explore/build.py runs/lenet_mnist/checkpoint.npz  writes net.npz anew first, from a run of
                                                                  examples/lenet_mnist.py; needs MNIST

net.npz: weights in half precision, and twenty test images of MNIST (LeCun, Cortes and Burges), the first two of each
digit. The page computes with exactly these weights.
"""

import base64
import json
import re
from argparse import ArgumentParser
from pathlib import Path

import numpy as np

from specframe.data import MNIST
from specframe.models import SpecLeNet5
from specframe.training import load_checkpoint, write_atomically

HERE = Path(__file__).parent
PAGE, NET = HERE.parent / "explore.html", HERE / "net.npz"
PART = re.compile(r"^@([\w.]+)@$", re.MULTILINE)  # a line of template.html: the file, or the data, that stands there


def take(checkpoint: str) -> None:
    """Write net.npz from a checkpoint and the test images."""
    saved, test = load_checkpoint(checkpoint), MNIST("test")
    options, weights = saved["options"], saved["nets"]["spectral"]["model"]
    first = [i for digit in range(10) for i in np.flatnonzero(test.labels == digit)[:2]]
    arrays = {name: array.astype(np.float16) for name, array in weights.items()}
    arrays |= {name: np.float32(options[name]) for name in ("beta", "tanh_scale")}
    arrays |= {"digits": np.round(255 * test.images[first, 0]).astype(np.uint8), "labels": test.labels[first]}
    write_atomically(NET, lambda file: np.savez_compressed(file, **arrays))


def load() -> tuple[SpecLeNet5, "np.lib.npyio.NpzFile"]:
    """The net of the page, in single precision, and net.npz."""
    saved = np.load(NET)
    net = SpecLeNet5(beta=float(saved["beta"]), scale=float(saved["tanh_scale"]))
    net.load_state_dict({name: saved[name].astype(np.float32) for name in net.state_dict()})
    return net, saved


def data() -> str:
    """What the code of the page reads, as JSON: arrays as base64 of their bytes, little-endian, in C order."""
    net, saved = load()
    weights = {name: text(saved[name].astype("<f2")) for name in net.state_dict()}
    return json.dumps({
        "beta": net.conv1.beta, "scale": net.conv1.scale, "weights": weights,
        "digits": text(saved["digits"]), "labels": saved["labels"].tolist(),
    }, separators=(",", ":"))  # fmt: skip


def text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def build() -> str:
    """The page."""
    parts = {
        path.name: path.read_text(encoding="utf-8").strip() for path in HERE.iterdir() if path.suffix in (".css", ".js")
    }
    parts["data"] = data()
    return PART.sub(lambda match: parts[match[1]], (HERE / "template.html").read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("checkpoint", nargs="?", help="of a run of examples/lenet_mnist.py; without, net.npz is used")
    checkpoint = parser.parse_args(arguments).checkpoint
    try:
        if checkpoint:
            take(checkpoint)
        page = build().encode()
        write_atomically(PAGE, lambda file: file.write(page))
    except (OSError, ValueError, RuntimeError) as error:
        parser.error(str(error))
    except KeyError as error:
        parser.error(f"{checkpoint}: not a checkpoint of examples/lenet_mnist.py (no {error})")
    print(f"{PAGE}: {len(page):,} bytes")


if __name__ == "__main__":
    main()
