"""benchmarks/memory.py, on LeNet-5 with a few images."""

import json
import pathlib

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def memory(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))  # as running the script does
    monkeypatch.syspath_prepend(str(FOLDER.parent / "examples"))
    import memory

    yield memory


def test_one_strategy_beside_pytorch(memory, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPECFRAME_DATA", str(tmp_path))  # no data there: random images
    out = tmp_path / "memory.json"
    tiny = "--batch-size 4 --rounds 1 --steps 1 --threads 1 --train-steps 2"
    strategies = ["quant8+checkpoint", "torch", "inplace"]
    memory.main(["--nets", "lenet5", "--strategies", *strategies, *tiny.split(), "--out", str(out)])
    results = json.loads(out.read_text())["nets"]["lenet5"]
    ours, theirs = results["quant8+checkpoint"], results["torch"]
    assert 0 < ours["saved"] < ours["highest"] < theirs["saved"] and ours["ratio"] < theirs["ratio"] == 1
    assert 0.99 < ours["cosine"] <= 1 and theirs["cosine"] == pytest.approx(1, abs=1e-6)
    assert ours["seconds"] > 0 and 0 < ours["packing"] < 1 and 0 < ours["unpacking"] < 1
    printed = capsys.readouterr().out
    assert "| quant8+checkpoint |" in printed and "| SpecNet | 0.37 | 0.37 |" in printed
    assert "inplace is left out" in printed


def test_pytorchs_checkpointed_nets_are_the_plain_ones(memory):
    import memory_torch
    import torch
    from torch.utils.checkpoint import checkpoint
    from torch_deep import TorchDenseNet, TorchVGG16

    from specframe.models import VGG16, DenseNet

    x = torch.randn(2, 3, 32, 32)
    for mine, plain, net, more in ((memory_torch.VGG16, TorchVGG16, VGG16, ()),
                                   (memory_torch.DenseNet, TorchDenseNet, DenseNet, (6,))):  # fmt: skip
        state = net(width=1 / 16).state_dict()
        mine, plain = mine(state, *more), plain(state, *more)
        mine.around = lambda part, *inputs: checkpoint(part, *inputs, use_reentrant=False)
        torch.testing.assert_close(mine(x), plain(x))
