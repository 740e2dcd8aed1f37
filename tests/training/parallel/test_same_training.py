"""n ranks train every net as one process does: normalisation, dropout, slices, uneven batches, empty parts."""

import sys

import numpy as np
import pytest

from specframe.models import VGG16
from specframe.optim import SGD
from specframe.training import train_step
from tests.kit.ranks import finish, mpiexec, needs_mpi, start

PROGRAM = """
import sys
import numpy as np
import specframe as sf
from specframe import parts
from specframe.data import Augment, DataLoader, Dataset
from specframe.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, Module, ReLU, Sequential
from specframe.models import (VGG16, AlexNet, DenseNet, LeNet5, ResNet, SpecAlexNet, SpecDenseNet, SpecLeNet5,
                              SpecResNet, SpecVGG16)
from specframe.optim import SGD
from specframe.training import Training, train_step
from specframe.training.parallel import buckets, join, mpi, share

path, dtype, fault = sys.argv[1], np.dtype(sys.argv[2]), sys.argv[3]
small = {"width": 1 / 16, "dtype": dtype}
NETS = {
    "lenet": lambda: LeNet5(image_size=12, dtype=dtype), "speclenet": lambda: SpecLeNet5(image_size=12, dtype=dtype),
    "alexnet": lambda: AlexNet(**small), "specalexnet": lambda: SpecAlexNet(**small),
    "vgg": lambda: VGG16(**small), "specvgg": lambda: SpecVGG16(**small),
    "specvgg, spectral normalisation": lambda: SpecVGG16(batch_norm="spectral", **small),
    "densenet": lambda: DenseNet(layers=2, **small), "specdensenet": lambda: SpecDenseNet(layers=2, **small),
    "resnet": lambda: ResNet(blocks=1, width=1 / 4, dtype=dtype),
    "specresnet": lambda: SpecResNet(blocks=1, width=1 / 4, dtype=dtype),
    "dropout": lambda: Sequential(Conv2d(1, 3, 3, bias=False, rng=0, dtype=dtype), BatchNorm2d(3, dtype=dtype), ReLU(),
                                  Dropout(0.4, seed=3), Flatten(), Linear(300, 10, rng=0, dtype=dtype)),
    "slices": lambda: Sliced(),
}


class Sliced(Module):
    def __init__(self):
        self.net = NETS["dropout"]()

    def forward(self, x):
        return sf.checkpoint(self.net, x, slices=1 if team.size == 1 else 3)


def plant(fault, rank):
    if fault == "a rank keeps its own gradients" and rank:
        add = buckets.Buckets.add
        buckets.Buckets.add = lambda self, array, give: add(self, array, lambda total, own=array.copy(): give(own))
    if fault == "gradients are summed and not averaged":
        share.Share.weight = 1.0
    if fault == "normalisation knows its part only":
        share.Share.total = lambda self, part, combine: part
    if fault == "dropout draws for its part only":
        parts.place = lambda count: (0, count)
    if fault == "weights are not sent":
        mpi.MPI.broadcast = lambda self, array: None


draw = np.random.default_rng(5)
# Three epochs of 7 batches, 20 steps. The last batch of an epoch is uneven; in double precision it has one image, so
# that most ranks have none of it. (Normalised over so few, single precision has nothing left to compare.)
BATCH, LAST = (7, 1) if dtype == np.float64 else (16, 7)

with join(1, path) as team:
    plant(fault, team.rank)
    weights = {}
    for name, make in NETS.items() if not fault else [("dropout", NETS["dropout"])]:
        size, channels = (12, 1) if name in ("lenet", "speclenet", "dropout", "slices") else (32, 3)
        images = draw.standard_normal((6 * BATCH + LAST, channels, size, size)).astype(np.float32)
        data = Dataset(images, draw.integers(0, 10, len(images)))
        loader = DataLoader(data, BATCH, shuffle=True, prefetch=0, transform=Augment(pad=2), shard=team.shard)
        net = make()
        if team.rank:
            for p in net.parameters():
                p.data[...] = 0  # rank 0's weights hold
        team.start(net, data=name)
        # In single precision the order of the images makes another deep net within 20 steps, in one process too.
        steps = 3 if dtype == np.float32 and ("vgg" in name or "resnet" in name) else 20
        sgd = SGD(net.parameters(), 0.01, 0.9, 5e-4)
        for x, y in (batch for epoch in range(3) for batch in loader.epoch(epoch)):
            if steps:
                loss = train_step(net, sgd, x.astype(dtype), y, team=team)
                steps -= 1
        weights |= {f"{name}: {key}": array for key, array in net.state_dict().items()} | {f"{name}: loss": loss.data}
    if team.first:
        np.savez(path, **weights)
    team.communicator.barrier()
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The weights after 20 steps in `ranks` processes, by name; each run once."""
    known = {}

    def train(ranks, dtype, fault=""):
        if (ranks, dtype, fault) not in known:
            path = tmp_path_factory.mktemp("weights") / f"{ranks}.npz"
            arguments = "-c", PROGRAM, path, dtype, fault
            status, out, err = finish(start([sys.executable, *arguments] if ranks == 1 else mpiexec(ranks, *arguments)))
            assert status == 0, f"{out}\n{err}"
            known[ranks, dtype, fault] = dict(np.load(path))
        return known[ranks, dtype, fault]

    return train


def differences(one, several, bound):
    """{name: relative difference} of the arrays that are further apart than they may be."""
    errors = {name: np.linalg.norm(several[name] - one[name]) / np.linalg.norm(one[name]) for name in several}
    allowed = {name: 10 * bound if "running" in name else bound for name in errors}  # running means begin at 0
    return {name: float(error) for name, error in errors.items() if not error < allowed[name]}


@needs_mpi
@pytest.mark.parametrize(
    ("ranks", "dtype", "bound"), [(2, "float64", 1e-10), (3, "float64", 1e-10), (2, "float32", 1e-5)]
)
def test_ranks_end_with_the_weights_of_one_process(trained, ranks, dtype, bound):
    one, several = trained(1, dtype), trained(ranks, dtype)
    assert one.keys() == several.keys() and len({name.split(":")[0] for name in one}) == 13
    assert not differences(one, several, bound)


@needs_mpi
@pytest.mark.parametrize(
    "fault",
    [
        "a rank keeps its own gradients",
        "gradients are summed and not averaged",
        "normalisation knows its part only",
        "dropout draws for its part only",
        "weights are not sent",
    ],
)
def test_a_wrong_exchange_is_seen(trained, fault):
    assert len(differences(trained(1, "float64"), trained(2, "float64", fault), 1e-10)) > 5


def test_in_single_precision_the_order_of_the_images_alone_makes_another_vgg():
    def train(seed, order):
        draw, net = np.random.default_rng(seed), VGG16(width=1 / 16, seed=0)
        sgd = SGD(net.parameters(), 0.01, 0.9, 5e-4)
        for _ in range(20):
            x, y = draw.standard_normal((32, 32, 16, 3)).astype(np.float32), draw.integers(0, 10, 16)
            train_step(net, sgd, x[:, :, ::order].copy(), y[::order])
        return net.state_dict()

    # A rounding takes some maximum or some relu to its other side; of ten draws nine end more than 1e-5 apart.
    assert max(max(differences(train(seed, 1), train(seed, -1), 1e-9).values()) for seed in range(4)) > 1e-3
