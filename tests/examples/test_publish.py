"""examples/publish.py: a checkpoint becomes weights with a card whose accuracy was measured with these weights."""

import pytest

from specframe.data import DataLoader, Digits
from specframe.models import zoo
from specframe.training import evaluate
from tests.kit.scripts import loaded


@pytest.fixture(scope="module")
def publish():
    with loaded("examples/publish.py") as module:
        yield module


def test_the_card_says_what_the_weights_reach(publish, tmp_path, capsys):
    options = "--model speclenet5 --data digits --epochs 2 --train-size 200 --beta 0.25 --device cpu --no-pictures"
    with loaded("examples/train.py") as train:
        assert train.main([*options.split(), "--out", str(tmp_path)]) == 0
    checkpoint = str(tmp_path / "checkpoint.npz")
    assert publish.main([checkpoint, "mine", "--out", str(tmp_path)]) == 0
    net, card = zoo.read(tmp_path / "mine.npz")
    assert card.accuracy == evaluate(net, DataLoader(Digits("test"), 500, device="cpu"))[1]
    assert net.conv1.beta == 0.25 and (card.net, card.data, card.batch_size) == ("SpecLeNet5", "digits", 64)
    assert card.command.startswith("python examples/train.py --model speclenet5 --data digits --beta 0.25 --epochs 2")
    assert str(card) in capsys.readouterr().out
    assert publish.main([checkpoint, "twin", "--net", "spatial", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith("holds no spatial net, but spectral\n")
