"""examples/predict.py: a checkpoint and image files in, classes and a picture out."""

import shutil
import sys

import numpy as np
import pytest

from specframe.data import Digits
from specframe.training import evaluate, plots, save_checkpoint
from tests.kit.scripts import loaded

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: no image files to read")


@pytest.fixture(scope="module")
def examples():
    with loaded("examples/predict.py", "examples/train.py") as modules:
        yield modules


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


def test_without_a_checkpoint_the_weights_of_the_package_read_digits(examples, tmp_path, capsys):
    """Pictures of MNIST's size and kind: a drawn 1 and a drawn 0."""
    one, zero = np.zeros((28, 28), np.uint8), np.zeros((28, 28), np.uint8)
    one[5:23, 13:16] = 255
    rows, cols = np.ogrid[-13.5:14, -13.5:14]
    zero[abs(np.hypot(rows / 9, cols / 6.5) - 1) < 0.17] = 255
    for name, pixels in (("one", one), ("zero", zero)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    images = [str(tmp_path / "one.png"), str(tmp_path / "zero.png")]
    assert examples[0].main([*images, "--out", str(tmp_path / "maps.png")]) == 0
    assert first_guesses(capsys.readouterr().out) == [1, 0]
    assert examples[0].main([str(tmp_path / "alone.npz")]) == 2


def test_inverted_images_need_invert(examples, run, capsys, tmp_path):
    plain, inverted = ([str(run / f"{name}{i}.png") for i in range(8)] for name in ("", "inverted"))
    out = ["--out", str(tmp_path / "maps.png")]
    examples[0].main([str(run / "checkpoint.npz"), *plain, *out])
    expected = first_guesses(capsys.readouterr().out)
    examples[0].main([str(run / "checkpoint.npz"), *inverted, "--invert", *out])
    assert np.mean(np.array(expected) == first_guesses(capsys.readouterr().out)) >= 0.75


# ---- pictures mean what people see -----------------------------------------------------------------------------


def seven():
    """A 7 of the test set, as a Pillow picture, light on dark."""
    data = Digits("test")
    pixels = data.images[np.flatnonzero(data.labels == 7)[1], 0]
    return Image.fromarray((pixels * 255).round().astype(np.uint8)).resize((56, 56), Image.Resampling.BILINEAR)


def on_nothing(ink, drawing):
    picture = Image.new("RGBA", drawing.size, (ink, ink, ink, 0))
    picture.putalpha(drawing)
    return picture


def turned(drawing):
    """As a camera that is held upright stores it: a quarter turn to the left, and a tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return drawing.transpose(Image.Transpose.ROTATE_90), {"exif": exif}


FORMS = {
    "plain.png": lambda d: (d, {}),
    "turned.jpg": turned,
    "turned.tif": turned,
    "white on nothing.png": lambda d: (on_nothing(255, d), {}),
    "black on nothing.png": lambda d: (on_nothing(0, d), {}),
    "black on nothing.webp": lambda d: (on_nothing(0, d), {"lossless": True}),
    "palette.png": lambda d: (d.convert("P"), {}),
    "16 bit.png": lambda d: (Image.fromarray(np.asarray(d).astype(np.uint16) * 257), {}),
    "float.tif": lambda d: (Image.fromarray(np.asarray(d) / np.float32(255)), {}),
    "cmyk.jpg": lambda d: (d.convert("RGB").convert("CMYK"), {}),
    "animated.gif": lambda d: (d, {"save_all": True, "append_images": [Image.new("L", d.size)] * 2}),
    "huge.jpg": lambda d: (d.resize((7000, 7000)), {}),
}


@pytest.mark.parametrize("name", FORMS)
def test_seven_is_a_seven_in_every_form(examples, run, tmp_path, capsys, name):
    picture, options = FORMS[name](seven())
    picture.save(tmp_path / name, **options)
    checkpoint, out = str(run / "checkpoint.npz"), str(tmp_path / "maps.png")
    assert examples[0].main([checkpoint, str(tmp_path / name), "--out", out]) == 0
    printed = capsys.readouterr()
    assert first_guesses(printed.out) == [7] and printed.err == ""


@pytest.mark.parametrize("name", ["black on nothing.png", "white on nothing.png"])
def test_invert_changes_nothing_about_a_drawing_on_nothing(examples, run, tmp_path, capsys, name):
    picture, _ = FORMS[name](seven())
    picture.save(tmp_path / name)
    examples[0].main([str(run / "checkpoint.npz"), str(tmp_path / name), "--invert", "--out", str(tmp_path / "m.png")])
    assert first_guesses(capsys.readouterr().out) == [7]


@pytest.mark.parametrize(
    ("ground", "options", "hint"),
    [
        ("light", [], "--invert turns it around"),
        ("light", ["--invert"], None),
        ("dark", [], None),
        ("dark", ["--invert"], "leave out --invert"),
    ],
)
def test_drawing_on_the_wrong_ground_gets_a_hint(examples, run, tmp_path, capsys, ground, options, hint):
    path = tmp_path / "seven.png"
    pixels = np.asarray(seven())
    Image.fromarray(255 - pixels if ground == "light" else pixels).save(path)
    assert examples[0].main([str(run / "checkpoint.npz"), str(path), "--out", str(tmp_path / "m.png"), *options]) == 0
    expected = f"{path}: looks dark on light, while digits is light on dark: {hint}\n" if hint else ""
    assert capsys.readouterr().err == expected


def test_missing_pillow_is_one_sentence(examples, run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert examples[0].main([str(run / "checkpoint.npz"), str(run / "0.png")]) == 2
    assert capsys.readouterr().err.endswith("to read pictures install Pillow (pip install 'specframe[images]')\n")


def test_the_best_weights_are_used(examples, run):
    model, data = examples[0].load_net(run / "checkpoint.npz", None)
    assert data.name == "digits" and data.shape == (1, 28, 28)
    from specframe.data import DataLoader
    from specframe.training import load_checkpoint

    history = load_checkpoint(run / "checkpoint.npz")["nets"]["spectral"]["history"]
    accuracy = evaluate(model, DataLoader(Digits("test"), 500, device="cpu"))[1]
    assert accuracy == max(epoch["test_accuracy"] for epoch in history)


def test_of_a_folder_the_checkpoint_knows_classes_and_size(examples, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("left", 0), ("right", 1), ("süd ost", 2)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(8):
            pixels = np.random.default_rng(i).integers(0, 60, (20, 26, 3))
            pixels[..., value] += 180
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "pictures" / name / f"{i}.png")
    options = ["--model", "lenet5", "--epochs", "4", "--batch-size", "4", "--device", "cpu", "--out", "run"]
    assert examples[1].main([*options, "--data", "folder:pictures:16"]) == 0
    shutil.copy("pictures/right/0.png", "new.png")
    shutil.rmtree("pictures")
    capsys.readouterr()
    assert examples[0].main(["run/checkpoint.npz", "new.png"]) == 0
    guesses = capsys.readouterr().out.removeprefix("new.png: ").split(", ")
    assert guesses[0].startswith("right ") and {guess.rsplit(" ", 2)[0] for guess in guesses} >= {"left", "süd ost"}


def test_mistakes_are_one_sentence(examples, run, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes((run / "0.png").read_bytes()[:-40])
    Image.new("1", (14_000, 14_000)).save(tmp_path / "huge.png")
    save_checkpoint(tmp_path / "other.npz", {"n": 1})
    picture, checkpoint = str(run / "0.png"), str(run / "checkpoint.npz")
    for arguments, sentence in (
        (["nowhere.npz", picture], "there is no checkpoint here"),
        ([checkpoint, str(tmp_path / "text.png")], "not an image that Pillow can read"),
        ([checkpoint, str(tmp_path / "none.png")], "none.png: the file cannot be read"),
        ([checkpoint, str(tmp_path / "cut.png")], "cut.png: expected a whole picture, got a truncated or damaged one"),
        ([checkpoint, str(tmp_path / "huge.png")], "huge.png: expected at most 25000000 pixels"),
        ([checkpoint, str(tmp_path)], "expected a picture file, got a folder"),
        ([checkpoint, picture, "--net", "spatial"], "holds no spatial net, but spectral"),
        ([str(tmp_path / "other.npz"), picture], "not a checkpoint of these examples"),
    ):
        assert examples[0].main(arguments) == 2
        error = capsys.readouterr().err
        assert sentence in error and error.count("\n") == 1
