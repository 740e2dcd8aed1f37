"""The examples as several ranks: the same results, written once, and a run goes on with another number of ranks."""

import sys
from pathlib import Path

import numpy as np
import pytest

from specframe.training import load_checkpoint
from tests.kit.ranks import ROOT, finish, mpiexec, needs_mpi, start

EXAMPLES = ROOT / "examples"
SMALL = ["--data", "digits", "--train-size", "50"]
TRAIN = [*SMALL, "--model", "speclenet5", "--test-size", "30", "--batch-size", "12", "--schedule", "constant"]


def ended_well(command):
    status, out, err = finish(start(command))
    assert (status, err) == (0, ""), err
    return out


def program(name, *arguments):
    return ended_well([sys.executable, EXAMPLES / name, *arguments])


def close(one, other):
    """Weights of one net in single precision, after some steps."""
    for name, array in one.items():
        error = np.linalg.norm(array - other[name]) / np.linalg.norm(array)
        assert error < 1e-5, f"{name}: {error:.2g}"


@needs_mpi
def test_a_run_goes_on_with_another_number_of_ranks(tmp_path):
    one, several = tmp_path / "one", tmp_path / "several"
    program("train.py", *TRAIN, "--epochs", "2", "--out", one)
    program("train.py", *TRAIN, "--epochs", "1", "--out", several, "--workers", "3")
    resume = EXAMPLES / "train.py", "--resume", "--epochs", "2", "--out", several
    out = ended_well(mpiexec(2, *resume))
    assert out.count("epoch 2/2") == 1 and out.count("results in") == 1  # rank 0 speaks for all
    nets = [load_checkpoint(folder / "checkpoint.npz")["nets"]["spectral"] for folder in (one, several)]
    close(nets[0]["model"], nets[1]["model"])
    assert nets[0]["progress"] == nets[1]["progress"] and nets[0]["data"] == nets[1]["data"]
    for a, b in zip(nets[0]["history"], nets[1]["history"], strict=True):
        assert b["train_loss"] == pytest.approx(a["train_loss"], rel=1e-5)
        assert b["test_loss"] == pytest.approx(a["test_loss"], rel=1e-5) and b["test_accuracy"] == a["test_accuracy"]
        assert b["saved_bytes"] == pytest.approx(a["saved_bytes"], rel=0.02)  # of all ranks together
        assert b["density"] == pytest.approx(a["density"], rel=0.02)
    assert {path.name for path in one.iterdir()} == {path.name for path in several.iterdir()}


@needs_mpi
def test_the_script_that_people_copy_trains_the_same_on_two_ranks(tmp_path):
    options = [*SMALL, "--epochs", "1", "--batch-size", "9"]
    figures = []
    for workers in ("1", "2"):
        folder = Path(tmp_path, workers)
        program("lenet_mnist.py", *options, "--out", folder, "--workers", workers)
        figures.append(load_checkpoint(folder / "checkpoint.npz")["nets"])
    one, two = figures
    assert one.keys() == two.keys() == {"spectral", "spatial"}
    for name in one:
        close(one[name]["model"], two[name]["model"])
        assert two[name]["history"][0]["test_accuracy"] == one[name]["history"][0]["test_accuracy"]


@needs_mpi
def test_a_batch_that_is_too_small_for_the_ranks_is_refused(tmp_path):
    command = [sys.executable, EXAMPLES / "train.py", *TRAIN, "--batch-size", "1", "--workers", "2", "--out", tmp_path]
    status, _, err = finish(start(command))
    assert (status, err) == (2, "train.py: error: rank 0: batches of 1 images are too small for 2 ranks\n")
