"""examples/predict.py: a checkpoint and image files in, classes and a picture out."""

import importlib.util
import pathlib
import sys

import numpy as np
import pytest

from specframe.data import Digits
from specframe.training import evaluate, plots, save_checkpoint

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: no image files to read")
FOLDER = pathlib.Path(__file__).parents[1] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def examples():
    sys.path.insert(0, str(FOLDER))
    yield load("predict"), load("train")
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def run(examples, tmp_path_factory):
    """A folder with a trained checkpoint and the first test digits as image files."""
    folder = tmp_path_factory.mktemp("run")
    options = ["--model", "speclenet5", "--data", "digits", "--epochs", "12", "--device", "cpu"]
    assert examples[1].main([*options, "--out", str(folder)]) == 0
    for i in range(8):
        pixels = (Digits("test").images[i, 0] * 255).round().astype(np.uint8)
        Image.fromarray(pixels).resize((56, 56), Image.Resampling.NEAREST).save(folder / f"{i}.png")
        Image.fromarray(255 - pixels).save(folder / f"inverted{i}.png")
    return folder


def first_guesses(printed):
    lines = [line for line in printed.splitlines() if "%" in line]
    return [int(line.split(": ")[1].split()[0]) for line in lines]


def test_digits_are_recognised_and_the_maps_are_drawn(examples, run, capsys):
    images = [str(run / f"{i}.png") for i in range(8)]
    assert examples[0].main([str(run / "checkpoint.npz"), *images, "--out", str(run / "maps.png")]) == 0
    guesses = first_guesses(capsys.readouterr().out)
    assert np.mean(guesses == Digits("test").labels[:8]) >= 0.75
    assert (run / "maps.png").exists() == plots.available()


def test_inverted_images_need_invert(examples, run, capsys, tmp_path):
    plain, inverted = ([str(run / f"{name}{i}.png") for i in range(8)] for name in ("", "inverted"))
    out = ["--out", str(tmp_path / "maps.png")]
    examples[0].main([str(run / "checkpoint.npz"), *plain, *out])
    expected = first_guesses(capsys.readouterr().out)
    examples[0].main([str(run / "checkpoint.npz"), *inverted, "--invert", *out])
    assert np.mean(np.array(expected) == first_guesses(capsys.readouterr().out)) >= 0.75


def test_the_best_weights_are_used(examples, run):
    model, data = examples[0].load_net(run / "checkpoint.npz", None)
    assert data == "digits"
    from specframe.data import DataLoader
    from specframe.training import load_checkpoint

    history = load_checkpoint(run / "checkpoint.npz")["nets"]["spectral"]["history"]
    accuracy = evaluate(model, DataLoader(Digits("test"), 500, device="cpu"))[1]
    assert accuracy == max(epoch["test_accuracy"] for epoch in history)


def test_mistakes_are_one_sentence(examples, run, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no image")
    save_checkpoint(tmp_path / "other.npz", {"n": 1})
    picture, checkpoint = str(run / "0.png"), str(run / "checkpoint.npz")
    for arguments, sentence in (
        (["nowhere.npz", picture], "there is no checkpoint here"),
        ([checkpoint, str(tmp_path / "text.png")], "not an image that Pillow can read"),
        ([checkpoint, str(tmp_path / "none.png")], "none.png"),
        ([checkpoint, picture, "--net", "spatial"], "holds no spatial net, but spectral"),
        ([str(tmp_path / "other.npz"), picture], "not a checkpoint of these examples"),
    ):
        assert examples[0].main(arguments) == 2
        error = capsys.readouterr().err
        assert sentence in error and error.count("\n") == 1
