"""A training that a test starts in a process of its own: three epochs on twelve images, with a checkpoint after each.

python -m tests.training.tiny_run CHECKPOINT [pause]          pause: wait for the end of stdin in the second epoch
"""

import sys

import numpy as np

from specframe.data import DataLoader, Dataset
from specframe.layers import Flatten, Linear, Sequential
from specframe.optim import SGD, ConstantLR
from specframe.training import Training, save_checkpoint


def main(path, pause=None):
    def transform(x, key):
        if pause and key[1:] == (1, 1):
            print("waiting", file=sys.stderr, flush=True)
            sys.stdin.read()
        return x

    data = Dataset(np.random.default_rng(0).random((12, 1, 4, 4), np.float32), np.arange(12) % 3, 3, "tiny")
    loader = DataLoader(data, 4, device="cpu", prefetch=0, transform=transform)
    net = Sequential(Flatten(), Linear(16, 3, rng=0))
    optimizer = SGD(net, 0.1)
    training = Training(net, optimizer, ConstantLR(optimizer))
    finished = training.run(
        loader, loader, 3, name="tiny", on_epoch=lambda training: save_checkpoint(path, training.state_dict())
    )
    return 0 if finished else 130


if __name__ == "__main__":
    try:
        status = main(*sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
