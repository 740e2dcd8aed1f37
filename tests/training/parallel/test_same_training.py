"""n ranks train every net as one process does: normalisation, dropout, uneven batches, empty parts."""

import sys

import numpy as np
import pytest

from tests.kit.ranks import finish, mpiexec, needs_mpi, start

PROGRAM = """
import sys
import numpy as np
import specframe as sf
from specframe.data import Augment, DataLoader, Dataset
from specframe.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, ReLU, Sequential
from specframe.models import VGG16, AlexNet, DenseNet, LeNet5, SpecAlexNet, SpecDenseNet, SpecLeNet5, SpecVGG16
from specframe.optim import SGD
from specframe.training import Training, train_step
from specframe.training.parallel import join

path, dtype = sys.argv[1], np.dtype(sys.argv[2])
small = {"width": 1 / 16, "dtype": dtype}
NETS = {
    "lenet": lambda: LeNet5(image_size=12, dtype=dtype), "speclenet": lambda: SpecLeNet5(image_size=12, dtype=dtype),
    "alexnet": lambda: AlexNet(**small), "specalexnet": lambda: SpecAlexNet(**small),
    "vgg": lambda: VGG16(**small), "specvgg": lambda: SpecVGG16(**small),
    "specvgg, spectral normalisation": lambda: SpecVGG16(batch_norm="spectral", **small),
    "densenet": lambda: DenseNet(layers=2, **small), "specdensenet": lambda: SpecDenseNet(layers=2, **small),
    "dropout": lambda: Sequential(Conv2d(1, 3, 3, bias=False, rng=0, dtype=dtype), BatchNorm2d(3, dtype=dtype), ReLU(),
                                  Dropout(0.4, seed=3), Flatten(), Linear(300, 10, rng=0, dtype=dtype)),
}
draw = np.random.default_rng(5)
# Three epochs of 7 batches, 20 steps. The last batch of an epoch is uneven; in double precision it has one image, so
# that most ranks have none of it. (Normalised over so few, single precision has nothing left to compare.)
BATCH, LAST = (7, 1) if dtype == np.float64 else (16, 7)

with join(1, path) as team:
    weights = {}
    for name, make in NETS.items():
        size, channels = (12, 1) if name in ("lenet", "speclenet", "dropout") else (32, 3)
        images = draw.standard_normal((6 * BATCH + LAST, channels, size, size)).astype(np.float32)
        data = Dataset(images, draw.integers(0, 10, len(images)))
        loader = DataLoader(data, BATCH, shuffle=True, prefetch=0, transform=Augment(pad=2), shard=team.shard)
        net = make()
        if team.rank:
            for p in net.parameters():
                p.data[...] = 0  # rank 0's weights hold
        team.start(net, data=name)
        # VGG's 13 normalisations make of another order of the sums, also in one process, another net within 20 steps.
        steps = 3 if "vgg" in name and dtype == np.float32 else 20
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

    def train(ranks, dtype):
        if (ranks, dtype) not in known:
            path = tmp_path_factory.mktemp("weights") / f"{ranks}.npz"
            arguments = "-c", PROGRAM, path, dtype
            status, out, err = finish(start([sys.executable, *arguments] if ranks == 1 else mpiexec(ranks, *arguments)))
            assert status == 0, f"{out}\n{err}"
            known[ranks, dtype] = dict(np.load(path))
        return known[ranks, dtype]

    return train


@needs_mpi
@pytest.mark.parametrize(
    ("ranks", "dtype", "bound"), [(2, "float64", 1e-10), (3, "float64", 1e-10), (2, "float32", 1e-5)]
)
def test_ranks_end_with_the_weights_of_one_process(trained, ranks, dtype, bound):
    one, several = trained(1, dtype), trained(ranks, dtype)
    assert one.keys() == several.keys() and len({name.split(":")[0] for name in one}) == 10
    errors = {name: np.linalg.norm(several[name] - one[name]) / np.linalg.norm(one[name]) for name in one}
    allowed = {name: 10 * bound if "running" in name else bound for name in one}  # running means begin at 0
    assert not {name: float(error) for name, error in errors.items() if not error < allowed[name]}
