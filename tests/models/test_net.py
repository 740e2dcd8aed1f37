"""Net: what a network was made with, in full and in plain values."""

import copy
import pickle

import numpy as np
import pytest

from specframe.models import DenseNet, LeNet5, SpecAlexNet, SpecLeNet5
from specframe.models.net import Net


def test_a_net_knows_all_its_settings_but_the_seed():
    assert LeNet5(3, image_size=32, seed=7).made_with == {
        "in_channels": 3, "num_classes": 10, "image_size": 32, "dtype": "float32"
    }  # fmt: skip


@pytest.mark.parametrize(("strict", "scale", "grid"), [(False, 2.0, "circular"), (True, 1.0, "paper")])
def test_what_is_left_to_the_net_is_named_so_that_other_defaults_cannot_change_it(strict, scale, grid):
    settings = SpecLeNet5(beta=1.5, paper_strict=strict).made_with
    assert (settings["beta"], settings["scale"], settings["grid"]) == (1.5, scale, grid)
    assert SpecLeNet5(scale=3.0, paper_strict=strict).made_with["scale"] == 3.0


def test_the_settings_are_plain_and_stay_what_they_were():
    beta = [np.float32(0.5), (0.25,)]
    net = SpecAlexNet(width=np.float64(0.05), beta=beta, spectral_stages=2, grid=(40, np.int64(40)), dtype=np.float64)
    beta.append("other")
    assert net.made_with["beta"] == [0.5, [0.25]] and net.made_with["grid"] == [40, 40]
    assert net.made_with["dtype"] == "float64"
    for value in (*net.made_with["beta"], *net.made_with["grid"], net.made_with["width"]):
        assert type(value) in (int, float, list)


def test_copies_have_the_settings_of_the_original():
    net = SpecLeNet5(beta=1.5)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.made_with == net.made_with


def test_of_wrong_arguments_the_constructor_speaks():
    for wrong in ({"classes": 3}, {"dtype": "no dtype"}):
        with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected|not understood"):
            DenseNet(width=0.1, **wrong)


def test_a_net_of_ones_own_may_take_anything():
    class Own(Net):
        def __init__(self, part, seed=0):
            self.part = part

    inner = LeNet5()
    net = Own(inner)
    assert net.made_with is None
    assert [name for name, _ in net.named_children()] == ["part"] and net.num_parameters() == inner.num_parameters()
