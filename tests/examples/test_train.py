"""examples/train.py, as a user runs it; on the bundled digits, so that it needs no data set."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

import specframe as sf
from specframe.data import Augment
from specframe.training import load_checkpoint, plots, save_checkpoint
from tests.kit.scripts import loaded

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "examples"
SMALL = ["--data", "digits", "--train-size", "96", "--test-size", "50", "--device", "cpu"]
QUICK = [*SMALL, "--epochs", "2"]
LENET = ["--model", "speclenet5"]
RESUME = ["--resume", "--device", "cpu"]  # on the same device, whatever this machine has


@pytest.fixture(scope="module")
def example():
    with loaded("examples/train.py") as module:
        yield module


@pytest.fixture
def run(example, monkeypatch, tmp_path):
    """Runs the script in an empty folder, without pictures, which take longer than the training; gives its status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plots, "available", lambda: False)

    def call(*arguments):
        try:
            return example.main([*map(str, arguments)])
        except SystemExit as stop:
            return stop.code

    return call


def test_beta_grows_over_the_first_epochs_resumed_or_not(run, tmp_path):
    density = {}
    for name, more in (("plain", []), ("warm", ["--beta-warmup", 1])):
        call = [*QUICK, *LENET, "--beta", 3, "--twin", *more, "--out", tmp_path / name]
        assert run(*call) == 0 and run(*RESUME, "--out", tmp_path / name) == 0
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        density[name] = [epoch["density"][0] for epoch in metrics["spectral"]["history"]]
    assert density["warm"][0] == 1 > density["warm"][1] and max(density["plain"]) < 1


def test_a_checkpoint_from_before_an_option_was_there_goes_on(run, tmp_path):
    assert run(*SMALL, *LENET, "--epochs", 1, "--schedule", "constant", "--out", tmp_path) == 0
    saved = load_checkpoint(tmp_path / "checkpoint.npz")
    del saved["options"]["in_place"], saved["options"]["beta_warmup"]
    save_checkpoint(tmp_path / "checkpoint.npz", saved)
    assert run(*RESUME, "--epochs", 2, "--out", tmp_path) == 0


def nets(out):
    return load_checkpoint(out / "checkpoint.npz")["nets"]


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for net in one:
        for name, array in one[net]["model"].items():
            np.testing.assert_array_equal(array, other[net]["model"][name], err_msg=f"{net} {name}")


# ---- what a run gives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["specdensenet", "densenet", "specresnet", "resnet", "speclenet5", "lenet5"])
def test_a_net_is_trained_and_its_results_are_written(run, tmp_path, model, capsys):
    width = [] if "lenet" in model else ["--width", 1 / 16]
    assert run(*QUICK, "--model", model, *width, "--out", tmp_path) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("layer") and "test accuracy" in printed
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    name = "spectral" if model.startswith("spec") else "spatial"
    assert metrics["data"] == "digits" and len(metrics[name]["history"]) == 2
    assert set(os.listdir(tmp_path)) == {"metrics.json", "history.csv", "checkpoint.npz"}


@pytest.mark.skipif(not plots.available(), reason="matplotlib is not installed")
def test_pictures_are_drawn_where_they_can_be(example, tmp_path):
    assert example.main([*SMALL, *LENET, "--epochs", "1", "--out", str(tmp_path)]) == 0
    assert {"curves.png", "spectra.png"} <= set(os.listdir(tmp_path))


def test_slices_train_the_same_net_with_fewer_saved_bytes(run, tmp_path):
    found = []
    for name, slices in (("whole", []), ("slices", ["--slices", 4])):
        assert run(*QUICK, "--model", "densenet", "--width", 1 / 16, "--out", tmp_path / name, *slices) == 0
        found.append(json.loads((tmp_path / name / "metrics.json").read_text())["spatial"])
    whole, slices = found
    assert slices["saved_bytes"] < 0.6 * whole["saved_bytes"] and slices["peak_bytes"] < whole["peak_bytes"]
    losses = [[epoch["train_loss"] for epoch in net["history"]] for net in found]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


# ---- options ---------------------------------------------------------------------------------------------------------


def test_paper_sets_the_papers_settings_and_given_options_win(example):
    option = example.settled({"model": "specvgg16", "paper": True, "epochs": 3}, None)
    assert (option["lr"], option["momentum"], option["weight_decay"]) == (0.1, 0.95, 0.0)
    assert (option["schedule"], option["epochs"], option["beta"]) == ("halve", 3, 0.5)
    net = example.build("specvgg16", option | {"width": 1 / 16}, 3, 32)
    assert net.rectified == 0 and net.stages[4].scale == 1.0 and net.stages[4].batch_norm is None
    assert option["augment"] and not example.settled({"model": "specvgg16", "data": "svhn"}, None)["augment"]


def test_vgg_has_the_rate_and_the_threshold_that_were_best_for_it(example):
    found = [example.settled({"model": model}, None) for model in ("specvgg16", "vgg16", "specdensenet")]
    assert [(option["lr"], option["beta"]) for option in found] == [(0.025, 0.2), (0.025, None), (0.1, 0.5)]
    given = example.settled({"model": "specvgg16", "lr": 0.1, "beta": 0.5}, None)
    assert (given["lr"], given["beta"]) == (0.1, 0.5)


def test_lenet_has_the_settings_of_the_lenet_script(example):
    option = example.settled({"model": "speclenet5"}, None)
    assert (option["data"], option["epochs"], option["lr"], option["momentum"]) == ("mnist", 5, 0.1, 0.9)
    assert (option["weight_decay"], option["batch_size"], option["schedule"]) == (5e-4, 64, "cycle")
    assert not option["augment"] and example.build("speclenet5", option, 1, 28).conv1.scale == 2.0
    assert example.settled({"model": "lenet5", "data": "digits"}, None)["epochs"] == 40


def test_digits_are_moved_and_never_mirrored(example):
    option = example.settled({"model": "speclenet5", "augment": True}, None)
    assert example.augmentation(option) == Augment(pad=2, flip=False)
    assert example.augmentation(example.settled({"model": "vgg16"}, None)) == Augment()
    assert example.augmentation(option | {"augment": False}) is None


def test_in_place_a_leaky_relu_and_its_normalisation_are_one_op(example):
    option = example.settled({"model": "densenet", "in_place": True, "width": 1 / 16}, None)
    net = example.build("densenet", option, 3, 32)
    with sf.Tape() as tape:
        net(sf.Tensor(np.ones((8, 8, 2, 3), np.float32)))
    assert "batch_norm_act2d" in {row.op for row in tape.ledger.rows}


def test_a_command_line_says_what_its_options_were(example):
    from train_options import command_of, flags_of

    given = {"model": "speclenet5", "augment": True, "epochs": 20, "beta": 0.25}
    option = example.settled(given, None)
    assert command_of(option) == (
        "python examples/train.py --model speclenet5 --data mnist --beta 0.25 --epochs 20 --augment"
    )
    assert example.settled(vars(example.make_parser().parse_args(flags_of(option))), None) == option
    plain = example.settled({"model": "vgg16", "augment": False, "paper": True}, None)
    assert command_of(plain) == "python examples/train.py --model vgg16 --data cifar10 --no-augment --paper"


def test_the_papers_rate_is_halved_every_50_epochs(example):
    option = example.settled({"model": "speclenet5", "data": "digits", "paper": True}, None)
    training = example.make_runs(option | {"image_shape": [1, 28, 28]}, 10, "cpu")["spectral"]
    lr = training.schedule.lr_at
    assert lr(0) == lr(499) == 0.1 and lr(500) == 0.05 and lr(1000) == 0.025


def test_the_results_go_to_a_folder_named_after_model_and_data(example):
    assert example.default_out({"model": "specvgg16"}) == "runs/specvgg16_cifar10"
    assert example.default_out({"model": "lenet5"}) == "runs/lenet5_mnist"
    assert example.default_out({"model": "vgg16", "data": "folder:/home/me/cats"}) == "runs/vgg16_folder_home_me_cats"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "which network? --model NAME is needed"),
        (["--model", "inception"], "argument --model: invalid choice"),
        (["--model", "vgg16", "--twin"], "--twin goes with a spectral net, vgg16 is a spatial one"),
        (["--model", "lenet5", "--beta", "0.7"], "--beta goes with a spectral net, lenet5 is a spatial one"),
        (["--model", "speclenet5", "--width", "2"], "--width scales all nets but LeNet, speclenet5 has one"),
        (["--model", "specalexnet"], "at least 29 rows and columns, got 28"),
        (["--model", "speclenet5", "--activation", "arctan"], "speclenet5 has tanh"),
        (["--model", "specdensenet", "--width", "0"], "argument --width: expected a number above 0"),
        (["--model", "lenet5", "--epochs", "9" * 400], "argument --epochs: expected a number from 1, got 9999"),
        (["--model", "lenet5", "--seed", "9" * 400], "argument --seed: expected a number from 0, got 9999"),
        (["--model", "lenet5", "--data", "cats"], "argument --data: expected cifar10, "),
        (["--model", "lenet5", "--store", "zip"], "argument --store: unknown store 'zip'"),
        (["--model", "lenet5", "--beta-warmup", "2"], "--beta-warmup goes with a spectral net, lenet5 is a spatial"),
        (["--model", "speclenet5", "--epochs", "2", "--beta-warmup", "2"], "--beta-warmup 2 ends after the last of 2"),
        (["--model", "specvgg16", "--in-place"], "--in-place goes with a spatial net that has batch normalisation"),
        (
            ["--model", "vgg16", "--augment", "--no-augment"],
            "argument --no-augment: not allowed with",
        ),
        (["--resume"], "--resume needs --out"),
        (["--resume", "--out", "none"], "there is no checkpoint here"),
        (["--resume", "--overwrite"], "not allowed with argument"),
        (["--model", "specvgg16", "--data", "cifar10", "--data-dir", "/nowhere"], "/nowhere"),
    ],
)
def test_mistake_is_one_sentence_and_status_2(run, tmp_path, capsys, arguments, sentence):
    assert run("--data", "digits", "--device", "cpu", *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1 and len(error) < 500
    assert os.listdir(tmp_path) == []


def test_help_explains_every_option(example, capsys):
    with pytest.raises(SystemExit):
        example.main(["--help"])
    text = capsys.readouterr().out
    assert all(action.help and action.option_strings[-1] in text for action in example.make_parser()._actions)


# ---- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["auto", "quant4"])  # what quant4 rounds is drawn anew each step, yet resumed
@pytest.mark.parametrize("stop_at", [2, 5])  # two batches an epoch, two epochs a net: in the first net, in its twin
def test_ctrl_c_then_resume_equals_an_unbroken_run(example, run, tmp_path, monkeypatch, capsys, store, stop_at):
    options = [*QUICK, *LENET, "--twin", "--store", store]
    assert run(*options, "--out", tmp_path / "unbroken") == 0
    loop = sys.modules["specframe.training.loop"]
    real, steps = loop.train_step, 0

    def step(*args, **kwargs):
        nonlocal steps
        steps += 1
        if steps == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*args, **kwargs)

    out = tmp_path / "broken"
    monkeypatch.setattr(loop, "train_step", step)
    assert run(*options, "--out", out) == 130
    assert f"--resume --out {out}" in capsys.readouterr().out
    assert not (out / "metrics.json").exists()
    monkeypatch.setattr(loop, "train_step", real)
    assert run(*RESUME, "--out", out) == 0
    assert_same_weights(nets(out), nets(tmp_path / "unbroken"))
    found = [json.loads((folder / "metrics.json").read_text()) for folder in (out, tmp_path / "unbroken")]
    for net in ("spectral", "spatial"):
        exact = [[(e["train_loss"], e["test_accuracy"], e["density"]) for e in m[net]["history"]] for m in found]
        assert exact[0] == exact[1]


@pytest.mark.parametrize("schedule", ["halve", "constant"])
def test_a_finished_run_goes_on_for_more_epochs_as_one_run_of_all(run, tmp_path, schedule):
    options = [*SMALL, *LENET, "--twin", "--schedule", schedule]
    assert run(*options, "--epochs", 3, "--out", tmp_path / "all") == 0
    assert run(*options, "--epochs", 1, "--out", tmp_path / "more") == 0
    assert run(*RESUME, "--epochs", 3, "--out", tmp_path / "more") == 0
    assert_same_weights(nets(tmp_path / "more"), nets(tmp_path / "all"))
    assert load_checkpoint(tmp_path / "more" / "checkpoint.npz")["options"]["epochs"] == 3


def test_one_cycle_cannot_go_on_and_says_what_can(run, tmp_path, capsys):
    assert run(*SMALL, *LENET, "--epochs", 1, "--out", tmp_path) == 0
    assert run(*RESUME, "--epochs", 20, "--out", tmp_path) == 2
    error = capsys.readouterr().err
    assert "one cycle over 1 epochs" in error and "--schedule halve or constant" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--model", "lenet5", "--seed", 3],
        [*LENET, "--beta", 0, "--momentum", 0, "--weight-decay", 0, "--grid", "same", "--scale", 1e-3],
        [*LENET, "--paper", "--twin", "--store", "topk:0.5:int8", "--slices", 2],
    ],
)
def test_every_option_survives_the_checkpoint(run, tmp_path, options):
    assert run(*SMALL, *options, "--epochs", 1, "--out", tmp_path) == 0
    assert run(*RESUME, "--out", tmp_path) == 0


def test_fewer_epochs_than_are_done_are_refused(run, tmp_path, capsys):
    assert run(*QUICK, *LENET, "--schedule", "constant", "--out", tmp_path) == 0
    assert run(*RESUME, "--epochs", 1, "--out", tmp_path) == 2
    assert "--epochs 1: the spectral net has been trained for 2 epochs already" in capsys.readouterr().err


def test_resume_refuses_options_that_contradict(run, tmp_path, capsys):
    assert run(*SMALL, *LENET, "--epochs", 1, "--out", tmp_path) == 0
    for flag, value in (("--beta", 0.7), ("--seed", 3), ("--batch-size", 8), ("--data", "mnist"), ("--lr", 1.0)):
        assert run(*RESUME, flag, value, "--out", tmp_path) == 2
        assert f"{flag} {value} contradicts the checkpoint" in capsys.readouterr().err
    assert run(*RESUME, "--epochs", 1, "--seed", 0, "--out", tmp_path) == 0


def test_resume_with_other_images_is_refused(example, run, tmp_path, monkeypatch, capsys):
    assert run(*SMALL, *LENET, "--epochs", 1, "--out", tmp_path) == 0
    real = example.load_data

    def changed(option):
        train_set, test_set = real(option)
        train_set.images[7] = 0
        return train_set, test_set

    monkeypatch.setattr(example, "load_data", changed)
    assert run(*RESUME, "--out", tmp_path) == 2
    assert "training on other train data" in capsys.readouterr().err


def test_what_a_checkpoint_says_about_places_decides_nothing(run, tmp_path, capsys):
    assert run(*SMALL, *LENET, "--epochs", 1, "--out", tmp_path / "run") == 0
    state = load_checkpoint(tmp_path / "run" / "checkpoint.npz")
    assert not {"out", "device", "data_dir"} & state["options"].keys()
    state["options"]["out"] = str(tmp_path / "elsewhere")
    save_checkpoint(tmp_path / "run" / "checkpoint.npz", state)
    assert run(*RESUME, "--out", tmp_path / "run") == 2
    assert "not a checkpoint of examples/train.py" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", "inception"), ("model", 3), ("data", "nothing"), ("schedule", "up"), ("epochs", "x"), ("beta", [1]),
     ("batch_size", None), ("store", "zip"), ("slices", "a"), ("width", {})],
)  # fmt: skip
def test_options_of_a_checkpoint_that_make_no_run_are_a_sentence(example, run, tmp_path, capsys, name, value):
    option = example.settled({"model": "speclenet5", "data": "digits"}, None)
    kept = {key: option[key] for key in example.DEFAULTS} | {"classes": [], "image_shape": []}
    state = {"options": kept | {name: value}, "nets": {}}
    save_checkpoint(tmp_path / "checkpoint.npz", state)
    capsys.readouterr()
    assert run(*RESUME, "--out", tmp_path) == 2
    assert capsys.readouterr().err.count("\n") == 1


# ---- pictures of one's own -------------------------------------------------------------------------------------------


def test_a_folder_of_pictures_trains_a_net_of_its_classes(run, tmp_path, capsys):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: no pictures to read")
    for name, value in (("bright", 200), ("dark", 50)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(10):
            image.new("RGB", (30, 20), (value, 10 * i, value)).save(tmp_path / "pictures" / name / f"{i}.png")
    options = ["--model", "speclenet5", "--epochs", 1, "--device", "cpu", "--out", tmp_path / "run"]
    assert run("--data", f"folder:{tmp_path}/pictures", *options) == 2
    assert "square images, got 20 x 30; folder:PATH:SIZE" in capsys.readouterr().err
    assert run("--data", f"folder:{tmp_path}/pictures:16", *options) == 0
    saved = load_checkpoint(tmp_path / "run" / "checkpoint.npz")
    assert saved["options"]["classes"] == ["bright", "dark"] and saved["options"]["image_shape"] == [3, 16, 16]
    assert saved["nets"]["spectral"]["model"]["fc3.bias"].shape == (2,)
    assert run(*RESUME, "--out", tmp_path / "run") == 0


# ---- the folder ------------------------------------------------------------------------------------------------------


def test_a_used_out_needs_resume_or_overwrite(run, tmp_path, capsys):
    assert run(*SMALL, *LENET, "--epochs", 1, "--out", tmp_path) == 0
    (tmp_path / "curves.png").write_text("of the earlier run")
    before = nets(tmp_path)
    assert run(*SMALL, *LENET, "--epochs", 1, "--seed", 1, "--out", tmp_path) == 2
    assert "holds the results of an earlier run" in capsys.readouterr().err
    assert_same_weights(nets(tmp_path), before)
    assert run(*SMALL, "--model", "lenet5", "--epochs", 1, "--out", tmp_path, "--overwrite") == 0
    assert nets(tmp_path).keys() == {"spatial"} and not (tmp_path / "curves.png").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a shell with pipes")
@pytest.mark.parametrize("ends", ["| true", "2>&1 | true", "> /dev/full", "2>&-", ">&- 2>&-"])
def test_nobody_who_listens_is_no_reason_to_lose_the_run(tmp_path, ends):
    options = " ".join([*SMALL, *LENET, "--epochs", "1"])
    command = f'"{sys.executable}" "{FOLDER / "train.py"}" {options} --out "{tmp_path}" {ends}'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # whether or not the package is installed
    shell = ["bash", "-o", "pipefail", "-c", command]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == ""
    assert {"metrics.json", "history.csv", "checkpoint.npz"} <= set(os.listdir(tmp_path))
