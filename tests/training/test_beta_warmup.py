"""BetaWarmup: thresholds that grow by the number of the epoch, resumed or not."""

import numpy as np
import pytest

from specframe.data import DataLoader, Dataset
from specframe.layers import Flatten, Linear, Sequential, SpectralBlock
from specframe.models import SpecDenseNet
from specframe.optim import SGD, ConstantLR
from specframe.training import BetaWarmup, Training


def net(beta=0.4):
    return Sequential(SpectralBlock(1, 2, 3, beta, convs=2, rng=0), Flatten(), Linear(32, 3, rng=1))


def make(beta=0.4, epochs=2):
    """(training, its warm-up, the loader)."""
    images = np.random.default_rng(0).random((12, 1, 4, 4), np.float32)
    data = Dataset(images, np.arange(12) % 3, 3, "tiny")
    model = net(beta)
    sgd = SGD(model, 0.1)
    return Training(model, sgd, ConstantLR(sgd)), BetaWarmup(model, epochs), DataLoader(data, 4, device="cpu")


@pytest.mark.parametrize(("beta", "expected"), [(0.4, [0, 0.2, 0.4, 0.4]), ([0.4, 1.0], [[0, 0], [0.2, 0.5]])])
def test_the_threshold_grows_from_zero_to_its_own(beta, expected):
    training, warmup, loader = make(beta)
    found = []
    training.run(loader, loader, len(expected), before_epoch=warmup, progress=False,
                 on_epoch=lambda training: found.append(training.model[0].beta))  # fmt: skip
    assert found == expected


def test_a_resumed_training_has_the_threshold_of_the_unbroken_one():
    unbroken, warmup, loader = make(epochs=3)
    unbroken.run(loader, loader, 3, before_epoch=warmup, progress=False)
    first, warmup, loader = make(epochs=3)
    first.run(loader, loader, 2, before_epoch=warmup, progress=False)
    resumed, warmup, loader = make(epochs=3)
    resumed.load_state_dict(first.state_dict())
    resumed.run(loader, loader, 3, before_epoch=warmup, progress=False)
    assert resumed.model[0].beta == unbroken.model[0].beta == pytest.approx(0.8 / 3)
    for name, array in unbroken.model.state_dict().items():
        np.testing.assert_array_equal(resumed.model.state_dict()[name], array, err_msg=name)


def test_blocks_and_layers_of_a_dense_net_are_all_found():
    model = SpecDenseNet(width=1 / 16, beta=0.5)
    training = Training(model, sgd := SGD(model, 0.1), ConstantLR(sgd))
    BetaWarmup(model, 2)(training)
    assert model.stem.beta == 0 and {layer.beta for layer in (*model.narrow, *model.wide)} == {0}


def test_a_net_without_thresholds_is_refused():
    with pytest.raises(ValueError, match="BetaWarmup: Linear has no spectral block, whose threshold could grow"):
        BetaWarmup(Linear(2, 2), 3)
