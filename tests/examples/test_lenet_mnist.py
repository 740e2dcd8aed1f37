"""The training script that people copy, as a user runs it."""

import argparse
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from specframe.data import DataError, Digits
from specframe.models import LeNet5, SpecLeNet5
from specframe.training import PRESETS, load_checkpoint, plots
from tests.kit.scripts import loaded

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "lenet_mnist.py"
QUICK = ["--data", "digits", "--train-size", "192", "--epochs", "2", "--device", "cpu"]
TINY = ["--data", "digits", "--train-size", "64", "--epochs", "1", "--device", "cpu", "--no-twin"]
FILES = {"metrics.json", "history.csv", "checkpoint.npz"}
PICTURES = {"curves.png", "spectra.png"} if plots.available() else set()


@pytest.fixture(scope="module")
def example():
    with loaded(SCRIPT) as module:
        yield module


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path):
    """No MNIST to be found by accident: no folder in the environment, an empty cache."""
    monkeypatch.delenv("SPECFRAME_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def weights(out, net):
    return load_checkpoint(out / "checkpoint.npz")["nets"][net]["model"]


def metrics(out):
    return json.loads((out / "metrics.json").read_text())


# ---- what a run gives ------------------------------------------------------------------------------------------------


def test_run_writes_everything_it_promises(example, tmp_path, capsys):
    out = tmp_path / "run"
    assert example.main([*QUICK, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "test accuracy" in printed and "spectral" in printed and "spatial" in printed

    found = metrics(out)
    assert found.keys() == {"data", "device", "spectral", "spatial"}
    assert found["data"] == "digits" and found["device"] == "cpu"
    for net in ("spectral", "spatial"):
        figures = found[net]
        assert 0 <= figures["test_accuracy"] <= 1
        assert figures["saved_bytes"] > 0 and figures["peak_bytes"] > 0 and figures["seconds_per_epoch"] > 0
        assert len(figures["history"]) == 2 and figures["history"][1]["epoch"] == 2
    assert len(found["spectral"]["density"]) == 2 and found["spatial"]["density"] == []
    assert found["spectral"]["saved_bytes"] < found["spatial"]["saved_bytes"]

    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    assert [(row["net"], row["epoch"]) for row in rows] == [
        ("spectral", "1"), ("spectral", "2"), ("spatial", "1"), ("spatial", "2")]  # fmt: skip
    assert set(os.listdir(out)) == FILES | PICTURES


def test_the_loop_on_the_page_trains_as_the_librarys_does(example, tmp_path):
    from specframe.data import DataLoader
    from specframe.training import fit

    example.main([*QUICK, "--beta", "0.3", "--store", "mask8", "--seed", "3", "--out", str(tmp_path)])
    data = Digits("train").subset(192)
    for name, net in (("spectral", SpecLeNet5(beta=0.3, scale=2.0, seed=3)), ("spatial", LeNet5(seed=3))):
        train = DataLoader(data, 64, shuffle=True, seed=3, device="cpu")
        test = DataLoader(Digits("test"), 500, device="cpu")
        chosen = PRESETS["lenet"].optimizer(net, len(train), epochs=2)
        history = fit(net, train, test, *chosen, 2, store="mask8", progress=False).history
        exact = ("epoch", "lr", "train_loss", "test_loss", "test_accuracy", "saved_bytes", "density")
        for mine, its in zip(metrics(tmp_path)[name]["history"], history.as_dicts(), strict=True):
            assert {key: mine[key] for key in exact} == {key: its[key] for key in exact}
        for key, array in net.state_dict().items():
            np.testing.assert_array_equal(weights(tmp_path, name)[key], array)


def test_another_seed_gives_other_weights(example, tmp_path):
    for seed in ("1", "2"):
        example.main([*TINY, "--seed", seed, "--out", str(tmp_path / seed)])
    assert not np.array_equal(*(weights(tmp_path / seed, "spectral")["conv1.weight"] for seed in ("1", "2")))


def test_no_twin_trains_the_spectral_net_only(example, tmp_path):
    example.main([*TINY, "--out", str(tmp_path)])
    assert metrics(tmp_path)["spatial"] is None and metrics(tmp_path)["spectral"]["test_accuracy"] >= 0


def test_epochs_are_5_of_mnist_and_40_of_the_few_digits(example, tmp_path, monkeypatch):
    chosen = []
    monkeypatch.setattr(
        example, "train", lambda name, model, batches, tests, args, team: chosen.append(args.epochs) or ()
    )
    monkeypatch.setattr(example, "write_report", lambda *args, **options: None)
    monkeypatch.setattr(example, "table", lambda histories: "")
    monkeypatch.setattr(example, "MNIST", lambda split, folder: Digits(split))
    for data in ("mnist", "digits"):
        assert example.main(["--data", data, "--device", "cpu", "--no-twin", "--out", str(tmp_path / data)]) == 0
    assert chosen == [5, 40]


# ---- data ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_mnist(example, monkeypatch):
    def missing(split, data_dir=None):
        raise DataError("no MNIST anywhere")

    monkeypatch.setattr(example, "MNIST", missing)


def test_missing_mnist_falls_back_loudly_and_all_digits_are_used_where_more_are_asked_for(example, no_mnist, capsys):
    options = argparse.Namespace(data=None, data_dir=None, train_size=3000)
    data, train_set, _ = example.load(options)
    loud = capsys.readouterr().err
    assert "MNIST CANNOT BE HAD: no MNIST anywhere" in loud and "--data-dir" in loud
    assert "ON 1437 OF THE 1437 BUNDLED DIGITS" in loud
    assert data == "digits" and len(train_set) == options.train_size == 1437


@pytest.mark.parametrize("asked", [["--data", "mnist"], ["--data-dir", "here"]])
def test_missing_mnist_is_an_error_where_it_was_asked_for(example, no_mnist, tmp_path, capsys, asked):
    with pytest.raises(SystemExit) as stop:
        example.main([*asked, "--out", str(tmp_path / "run")])
    assert stop.value.code == 2 and "no MNIST anywhere" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_mnist_itself_trains(example, data_root, tmp_path):
    options = ["--data-dir", str(data_root / "mnist"), "--train-size", "128", "--epochs", "1", "--device", "cpu"]
    assert example.main([*options, "--no-twin", "--out", str(tmp_path)]) == 0
    assert metrics(tmp_path)["data"] == "mnist"


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--beta", "-1"], "argument --beta: expected a number from 0"),
        (["--beta", "nan"], "argument --beta: expected a number from 0"),
        (["--epochs", "0"], "argument --epochs: expected a number from 1"),
        (["--epochs", "9" * 400], "argument --epochs: expected a number from 1 on, got 99999"),
        (["--seed", "9" * 400], "argument --seed: expected a number from 0 on, got 99999"),
        (["--epochs", "two"], "argument --epochs: invalid int value: 'two'"),
        (["--epochs", "2.5"], "argument --epochs: invalid int value: '2.5'"),
        (["--lr", "0"], "argument --lr: expected a number"),
        (["--tanh-scale", "0"], "argument --tanh-scale: expected a number"),
        (["--data", "digits", "--store", "zip"], "unknown store 'zip': choose dense"),
        (["--data", "cifar"], "argument --data: invalid choice"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["--data-dir", "/nowhere"], "/nowhere"),
        (["--data", "digits", "--train-size", "99999"], "99999"),
    ],
)
def test_mistake_is_one_sentence_and_status_2(example, tmp_path, capsys, arguments, sentence):
    with pytest.raises(SystemExit) as stop:
        example.main([*arguments, "--out", str(tmp_path / "run")])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and sentence in error
    assert error.count("\n") == 1 and len(error) < 400
    assert not (tmp_path / "run").exists()


def test_a_used_out_is_refused_and_overwrite_replaces_it(example, tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    assert example.main([*TINY, *out]) == 0
    before = weights(tmp_path, "spectral")["conv1.weight"]
    with pytest.raises(SystemExit):
        example.main([*TINY, "--seed", "1", *out])
    assert "holds the results of an earlier run" in capsys.readouterr().err
    np.testing.assert_array_equal(weights(tmp_path, "spectral")["conv1.weight"], before)
    assert example.main([*TINY, "--seed", "1", "--overwrite", *out]) == 0
    assert not np.array_equal(weights(tmp_path, "spectral")["conv1.weight"], before)


def test_a_loss_that_is_not_finite_is_a_sentence(example, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop, np.errstate(all="ignore"):
        example.main([*QUICK, "--lr", "1e17", "--out", str(tmp_path)])
    assert stop.value.code == 2 and "try a smaller --lr" in capsys.readouterr().err


def test_cuda_without_a_gpu_says_so(example, tmp_path, capsys):
    from specframe import backend

    if backend.get("auto").name == "cuda":
        pytest.skip("there is a GPU here")
    with pytest.raises(SystemExit):
        example.main([*QUICK, "--device", "cuda", "--out", str(tmp_path / "x")])
    assert "device 'cuda'" in capsys.readouterr().err


def test_help_explains_every_option(example, capsys):
    with pytest.raises(SystemExit) as stop:
        example.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    named = "data data-dir beta tanh-scale epochs batch-size lr device store seed train-size no-twin out overwrite"
    assert all(f"--{name} " in text for name in named.split())


# ---- from outside ----------------------------------------------------------------------------------------------------


def start(*arguments, **streams):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # whether or not the package is installed
    return subprocess.Popen([sys.executable, SCRIPT, *arguments], text=True, env=environment, **streams)


def test_ctrl_c_says_where_the_weights_are(tmp_path):
    options = ["--data", "digits", "--epochs", "500", "--no-twin", "--device", "cpu", "--out", str(tmp_path)]
    process = start(*options, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "checkpoint.npz").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == ""
    assert f"stopped; the weights of the last epoch are in {tmp_path}" in printed
    assert os.listdir(tmp_path) == ["checkpoint.npz"]
    saved = load_checkpoint(tmp_path / "checkpoint.npz")
    assert saved["options"] == {"data": "digits", "beta": 0.5, "tanh_scale": 2.0, "seed": 0}
    SpecLeNet5().load_state_dict(saved["nets"]["spectral"]["model"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a shell with pipes")
@pytest.mark.parametrize("ends", ["| true", "2>&1 | true", "> /dev/full", "2>&-", ">&-", ">&- 2>&-"])
def test_nobody_who_listens_is_no_reason_to_lose_the_run(tmp_path, ends):
    out = tmp_path / "run"
    command = f'"{sys.executable}" "{SCRIPT}" {" ".join(TINY)} --out "{out}" {ends}'
    shell = ["bash", "-o", "pipefail", "-c", command]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == ""
    assert set(os.listdir(out)) == FILES | PICTURES
