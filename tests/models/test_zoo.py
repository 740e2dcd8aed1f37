"""The weights that come with the package, and how they are written."""

import numpy as np
import pytest

import specframe as sf
from specframe import models
from specframe.models import LeNet5, ModelCard, SpecLeNet5, zoo

CARD = ModelCard("SpecLeNet5", {"beta": 0.25, "seed": 1}, "mnist", 0.9, 1000, 64, "python examples/train.py")


def test_a_net_comes_back_in_half_precision_with_its_settings_and_its_card(tmp_path, rng):
    net = SpecLeNet5(beta=0.25, seed=3)
    zoo.write(net, CARD, tmp_path / "net.npz")
    back, card = zoo.read(tmp_path / "net.npz")
    assert card == CARD and back.conv1.beta == 0.25 and not back.training
    assert (tmp_path / "net.npz").stat().st_size < 2.2 * net.num_parameters()
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(back.state_dict()[name], array.astype(np.float16).astype(np.float32))
    x = rng.random((28, 28, 2, 1)).astype(np.float32)
    np.testing.assert_allclose(back(sf.Tensor(x)).numpy(), net(sf.Tensor(x)).numpy(), atol=2e-3)


def test_what_half_precision_cannot_hold_and_what_is_too_large_are_refused(tmp_path, monkeypatch):
    net = LeNet5()
    monkeypatch.setattr(zoo, "LIMIT", 100_000)
    with pytest.raises(ValueError, match=r"0\.2 MB of weights, expected at most 0\.1"):
        zoo.write(net, CARD, tmp_path / "net.npz")
    net.fc3.bias.data[0] = 1e5
    with pytest.raises(ValueError, match=r"fc3\.bias: half precision cannot hold 100000"):
        zoo.write(net, CARD, tmp_path / "net.npz")
    assert not (tmp_path / "net.npz").exists()


def test_other_files_and_other_names_are_refused(tmp_path):
    sf.save(LeNet5().state_dict(), tmp_path / "plain.npz")
    with pytest.raises(ValueError, match=r"plain\.npz: no weights with a card: 'card\.json'"):
        zoo.read(tmp_path / "plain.npz")
    zoo.write(LeNet5(), CARD._replace(net="Own"), tmp_path / "own.npz")
    with pytest.raises(ValueError, match=r"no weights with a card: 'Own'"):
        zoo.read(tmp_path / "own.npz")
    with pytest.raises(ValueError, match=r"^pretrained: there are no weights called 'x', choose speclenet5_mnist"):
        models.pretrained("x")


@pytest.mark.parametrize("name", models.pretrained_names())
def test_what_comes_with_the_package_is_small_and_says_how_it_was_made(name):
    net, card = models.pretrained(name), models.model_card(name)
    assert type(net).__name__ == card.net and 0.5 < card.accuracy < 1 and card.saved_bytes > 0
    assert card.command.startswith("python examples/") and card.data in str(card)
    assert zoo._path(name).endswith(f"{name}.npz")
