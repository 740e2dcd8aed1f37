"""One flipped bit in a checkpoint: what is loaded is what was saved, or a CheckpointError.

python -m tests.training.flip_bits          all bits, one after another (a minute)
python -m tests.training.flip_bits 97       every 97th
"""

import collections
import os
import sys
import tempfile

import numpy as np

from specframe.data import DataLoader, Dataset
from specframe.layers import Flatten, Linear, Sequential
from specframe.optim import SGD, StepLR
from specframe.training import CheckpointError, Training, load_checkpoint, save_checkpoint


def make():
    net = Sequential(Flatten(), Linear(4, 5, rng=0), Linear(5, 4, rng=1), Linear(4, 3, rng=2))
    optimizer = SGD(net, 0.1, 0.9)
    return Training(net, optimizer, StepLR(optimizer, 3))


def write(path):
    """A checkpoint with everything in it: momentum, history, best weights, options of the program."""
    rng = np.random.default_rng(0)
    data = Dataset(rng.random((7, 1, 2, 2), np.float32), np.arange(7) % 3, 3, "tiny")
    training, loader = make(), DataLoader(data, 3, device="cpu", prefetch=0)
    training.run(loader, loader, 2, progress=False)
    save_checkpoint(path, {"options": {"lr": 0.1, "data": "tiny"}, "nets": {"net": training.state_dict()}})


def resumed(path):
    """All that a resumed run would have, in plain bytes."""
    saved, training = load_checkpoint(path), make()
    training.load_state_dict(saved["nets"]["net"])
    return plain({"options": saved["options"], "net": training.state_dict()})


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


def flip_all(path, every=1):
    """What came of flipping every so manieth bit, counted: "same", "refused", "lost", or the type of an error."""
    write(path)
    expected, counts = resumed(path), collections.Counter()
    with open(path, "r+b", buffering=0) as file:
        content = file.read()
        for bit in range(0, 8 * len(content), every):
            place, byte = bit // 8, content[bit // 8]
            os.pwrite(file.fileno(), bytes([byte ^ 1 << bit % 8]), place)
            try:
                counts["same" if resumed(path) == expected else "lost"] += 1
            except CheckpointError as error:
                counts["refused" if len(str(error)) < 300 else "long sentence"] += 1
            except Exception as error:
                counts[type(error).__name__] += 1
            os.pwrite(file.fileno(), bytes([byte]), place)
    return counts


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = flip_all(os.path.join(folder, "checkpoint.npz"), *map(int, sys.argv[1:]))
    print(f"{found.total()} flips: " + ", ".join(f"{count} {name}" for name, count in found.most_common()))
    sys.exit(0 if found.keys() <= {"same", "refused"} else 1)
