"""The example, as a user runs it."""

import csv
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from specframe.data import Digits
from specframe.training import load_checkpoint

ROOT = pathlib.Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "lenet_mnist.py"
QUICK = ["--data", "digits", "--train-size", "192", "--epochs", "2", "--device", "cpu"]


@pytest.fixture(scope="module")
def example():
    sys.path.insert(0, str(SCRIPT.parent))  # as running the script does
    spec = importlib.util.spec_from_file_location("lenet_mnist", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPT.parent))


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path):
    """No MNIST to be found by accident: no folder in the environment, an empty cache."""
    monkeypatch.delenv("SPECFRAME_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def weights(out, net):
    return load_checkpoint(out / "checkpoint.npz")["nets"][net]["model"]


def test_run_writes_everything_it_promises(example, tmp_path, capsys):
    out = tmp_path / "run"
    assert example.main([*QUICK, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "test accuracy" in printed and "spectral" in printed and "spatial" in printed

    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["data"] == "digits" and metrics["device"] == "cpu"
    for net in ("spectral", "spatial"):
        figures = metrics[net]
        assert 0 <= figures["test_accuracy"] <= 1
        assert figures["saved_bytes"] > 0 and figures["peak_bytes"] > 0 and figures["seconds_per_epoch"] > 0
        assert len(figures["history"]) == 2 and figures["history"][1]["epoch"] == 2
    assert len(metrics["spectral"]["density"]) == 2 and metrics["spatial"]["density"] == []
    assert metrics["spectral"]["saved_bytes"] < metrics["spatial"]["saved_bytes"]

    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    assert [(row["net"], row["epoch"]) for row in rows] == [
        ("spectral", "1"), ("spectral", "2"), ("spatial", "1"), ("spatial", "2")]  # fmt: skip
    expected = {"metrics.json", "history.csv", "checkpoint.npz"}
    if importlib.util.find_spec("matplotlib"):
        expected |= {"curves.png", "spectra.png"}
    assert set(os.listdir(out)) == expected


def test_same_seed_same_weights_and_another_seed_others(example, tmp_path):
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        example.main([*QUICK, "--no-twin", "--epochs", "1", "--seed", seed, "--out", str(tmp_path / out)])
    a, b, c = (weights(tmp_path / out, "spectral")["conv1.weight"] for out in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_no_twin_trains_the_spectral_net_only(example, tmp_path):
    example.main([*QUICK, "--no-twin", "--epochs", "1", "--out", str(tmp_path)])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["spatial"] is None and metrics["spectral"]["test_accuracy"] >= 0


def test_paper_sets_the_papers_settings(example):
    option = example.settled({"paper": True}, None)
    assert (option["lr"], option["tanh_scale"], option["batch_size"]) == (0.1, 1.0, 64)
    option |= {"epochs": 300}
    training = example.make_runs(option, 10, "cpu")["spectral"]
    assert training.optimizer.momentum == 0.95
    lr = training.schedule.lr_at
    assert lr(0) == lr(499) == 0.1 and lr(500) == 0.05 and lr(1000) == 0.025


@pytest.mark.parametrize("moment", ["in the first net", "in the second net"])
def test_ctrl_c_then_resume_equals_an_unbroken_run(example, tmp_path, monkeypatch, moment, capsys):
    example.main([*QUICK, "--out", str(tmp_path / "unbroken")])
    stop_at = 4 if moment == "in the first net" else 9  # six batches a net
    steps = 0
    module = sys.modules["specframe.training.loop"]
    real = module.train_step

    def step(*args, **options):
        nonlocal steps
        steps += 1
        if steps == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*args, **options)

    monkeypatch.setattr(module, "train_step", step)
    out = tmp_path / "broken"
    assert example.main([*QUICK, "--out", str(out)]) == 130
    assert "--resume" in capsys.readouterr().out
    assert not (out / "metrics.json").exists()
    monkeypatch.setattr(module, "train_step", real)
    assert example.main(["--resume", "--out", str(out)]) == 0
    for net in ("spectral", "spatial"):
        unbroken = weights(tmp_path / "unbroken", net)
        for name, array in weights(out, net).items():
            np.testing.assert_array_equal(array, unbroken[name], err_msg=f"{net} {name}")
    for net in ("spectral", "spatial"):
        one, other = (json.loads((p / "metrics.json").read_text())[net] for p in (out, tmp_path / "unbroken"))
        assert one["test_accuracy"] == other["test_accuracy"] and one["density"] == other["density"]


def test_ctrl_c_from_outside_ends_cleanly(tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, SCRIPT, "--data", "digits", "--epochs", "500", "--no-twin", "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # whether or not the package is installed
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    deadline = time.monotonic() + 60
    while not (out / "checkpoint.npz").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "--resume" in printed and "Traceback" not in errors
    load_checkpoint(out / "checkpoint.npz")
    assert os.listdir(out) == ["checkpoint.npz"]


def test_resume_refuses_options_that_contradict(example, tmp_path, capsys):
    example.main([*QUICK, "--no-twin", "--epochs", "1", "--out", str(tmp_path)])
    for flag, value in (("--beta", "0.7"), ("--seed", "3"), ("--epochs", "9"), ("--batch-size", "8")):
        assert example.main(["--resume", flag, value, "--out", str(tmp_path)]) == 2
        assert f"{flag} {value} contradicts the checkpoint" in capsys.readouterr().err.replace("0.7 ", "0.7 ")
    assert example.main(["--resume", "--epochs", "1", "--device", "cpu", "--out", str(tmp_path)]) == 0


def test_resume_without_a_checkpoint_is_an_error(example, tmp_path, capsys):
    assert example.main(["--resume", "--out", str(tmp_path / "none")]) == 2
    assert "there is no checkpoint here" in capsys.readouterr().err


def test_missing_mnist_falls_back_loudly_only_when_nothing_was_asked_for(example, tmp_path, monkeypatch, capsys):
    from specframe.data import DataError

    def missing(split, data_dir=None):
        raise DataError("no MNIST anywhere")

    monkeypatch.setattr(example, "MNIST", missing)
    name, train, _ = example.load_data({"data": None, "data_dir": None})
    assert name == "digits" and len(train) == len(Digits("train"))
    loud = capsys.readouterr().err
    assert "MNIST CANNOT BE HAD" in loud and "--data-dir" in loud
    for asked in ({"data": "mnist", "data_dir": None}, {"data": None, "data_dir": str(tmp_path)}):
        with pytest.raises(DataError):
            example.load_data(asked)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--beta", "-1"], "argument --beta: expected a number from 0"),
        (["--beta", "nan"], "argument --beta: expected a number from 0"),
        (["--epochs", "0"], "argument --epochs: expected a number from 1"),
        (["--epochs", "two"], "argument --epochs: invalid int value: 'two'"),
        (["--lr", "0"], "argument --lr: expected a number above 0"),
        (["--tanh-scale", "0"], "argument --tanh-scale: expected a number above 0"),
        (["--store", "zip"], "argument --store: unknown store 'zip': choose dense"),
        (["--data", "cifar"], "argument --data: invalid choice"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["--data-dir", "/nowhere"], "/nowhere"),
        (["--data", "digits", "--train-size", "99999"], "99999"),
    ],
)
def test_mistake_is_one_sentence_and_status_2(example, tmp_path, capsys, arguments, sentence):
    try:
        status = example.main([*arguments, "--out", str(tmp_path / "run")])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2 and sentence in error
    assert error.count("\n") == 1 and "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_out_that_is_a_file_is_refused(example, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert example.main([*QUICK, "--out", str(tmp_path / "file")]) == 2
    assert "is a file, expected a folder" in capsys.readouterr().err


def test_cuda_without_a_gpu_says_so(example, tmp_path, capsys):
    from specframe import backend

    if backend.get("auto").name == "cuda":
        pytest.skip("there is a GPU here")
    assert example.main([*QUICK, "--device", "cuda", "--out", str(tmp_path / "x")]) == 2
    assert "device 'cuda'" in capsys.readouterr().err


def test_help_explains_every_option(example, capsys):
    with pytest.raises(SystemExit) as stop:
        example.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for action in example.make_parser()._actions:
        assert action.help and action.option_strings[-1] in text
