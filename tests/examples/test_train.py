"""examples/train.py, as a user runs it; on the bundled digits, so that it needs no data set."""

import importlib.util
import json
import os
import pathlib
import signal
import sys

import numpy as np
import pytest

from specframe.training import load_checkpoint

FOLDER = pathlib.Path(__file__).parents[1] / "examples"
QUICK = ["--data", "digits", "--train-size", "96", "--test-size", "50", "--epochs", "2", "--device", "cpu"]


@pytest.fixture(scope="module")
def example():
    sys.path.insert(0, str(FOLDER))  # as running the script does
    spec = importlib.util.spec_from_file_location("train", FOLDER / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))


def run(example, *arguments):
    return example.main([*QUICK, *map(str, arguments)])


@pytest.mark.parametrize("model", ["specdensenet", "speclenet5", "densenet"])
def test_a_net_is_trained_and_its_results_are_written(example, tmp_path, model, capsys):
    assert run(example, "--model", model, "--width", 1 / 16, "--out", tmp_path) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("layer") and "test accuracy" in printed
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    name = "spectral" if model.startswith("spec") else "spatial"
    assert metrics["data"] == "digits" and len(metrics[name]["history"]) == 2
    assert {"metrics.json", "history.csv", "checkpoint.npz"} <= set(os.listdir(tmp_path))


@pytest.mark.parametrize("store", ["auto", "quant4"])  # what quant4 rounds is drawn anew each step, yet resumed
def test_the_twin_is_trained_beside_and_ctrl_c_then_resume_is_exact(example, tmp_path, monkeypatch, capsys, store):
    options = ["--model", "specdensenet", "--width", 1 / 16, "--twin", "--batch-norm", "pool", "--store", store]
    assert run(example, *options, "--out", tmp_path / "unbroken") == 0
    loop = sys.modules["specframe.training.loop"]
    real, steps = loop.train_step, 0

    def step(*args, **kwargs):
        nonlocal steps
        steps += 1
        if steps == 5:  # two batches an epoch, two epochs a net: the first of the twin
            os.kill(os.getpid(), signal.SIGINT)
        return real(*args, **kwargs)

    monkeypatch.setattr(loop, "train_step", step)
    assert run(example, *options, "--out", tmp_path / "broken") == 130
    monkeypatch.setattr(loop, "train_step", real)
    assert example.main(["--resume", "--out", str(tmp_path / "broken")]) == 0
    one, other = (load_checkpoint(tmp_path / name / "checkpoint.npz")["nets"] for name in ("broken", "unbroken"))
    assert one.keys() == other.keys() == {"spectral", "spatial"}
    for net in one:
        for name, array in one[net]["model"].items():
            np.testing.assert_array_equal(array, other[net]["model"][name], err_msg=f"{net} {name}")


def test_slices_train_the_same_net_with_fewer_saved_bytes(example, tmp_path):
    found = []
    for name, slices in (("whole", []), ("slices", ["--slices", 4])):
        options = ["--model", "densenet", "--width", 1 / 16, "--out", tmp_path / name, *slices]
        assert run(example, *options) == 0
        found.append(json.loads((tmp_path / name / "metrics.json").read_text())["spatial"])
    whole, slices = found
    assert slices["saved_bytes"] < 0.6 * whole["saved_bytes"] and slices["peak_bytes"] < whole["peak_bytes"]
    losses = [[epoch["train_loss"] for epoch in net["history"]] for net in found]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


def test_paper_sets_the_papers_settings_and_given_options_win(example):
    option = example.settled({"model": "specvgg16", "paper": True, "epochs": 3}, None)
    assert (option["lr"], option["momentum"], option["weight_decay"]) == (0.1, 0.95, 0.0)
    assert (option["schedule"], option["epochs"]) == ("halve", 3)
    net = example.build("specvgg16", option | {"width": 1 / 16}, 3, 32)
    assert net.rectified == 0 and net.stages[4].scale == 1.0 and net.stages[4].batch_norm is None
    assert option["augment"] and option["out"] == os.path.join("runs", "specvgg16_cifar10")
    assert not example.settled({"model": "specvgg16", "data": "svhn"}, None)["augment"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "which network? --model NAME is needed"),
        (["--model", "resnet"], "argument --model: invalid choice"),
        (["--model", "vgg16", "--twin"], "--twin goes with a spectral net, vgg16 is a spatial one"),
        (["--model", "specalexnet"], "at least 29 rows and columns, got 28"),
        (["--model", "speclenet5", "--activation", "arctan"], "speclenet5 has tanh"),
        (["--model", "specdensenet", "--width", "0"], "argument --width: expected a number above 0"),
        (["--resume"], "--resume needs --out"),
        (["--model", "specvgg16", "--data", "cifar10", "--data-dir", "/nowhere"], "/nowhere"),
    ],
)
def test_mistake_is_one_sentence_and_status_2(example, tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    try:
        status = example.main(["--data", "digits", "--device", "cpu", *arguments])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2 and sentence in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_help_explains_every_option(example, capsys):
    with pytest.raises(SystemExit):
        example.main(["--help"])
    text = capsys.readouterr().out
    assert all(action.help and action.option_strings[-1] in text for action in example.make_parser()._actions)
