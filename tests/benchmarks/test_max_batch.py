"""benchmarks/max_batch.py, as a user runs it: LeNet-5 in a few megabytes."""

import pytest

import specframe as sf
from tests.kit.scripts import loaded

QUICK = ["--model", "lenet5", "--device", "cpu"]


@pytest.fixture(scope="module")
def example():
    with loaded("benchmarks/max_batch.py") as module:
        yield module


def options(example, *arguments):
    return example.make_parser().parse_args(["--budget", "1MB", "--device", "cpu", *arguments])


def rows(printed):
    """{strategy: the other cells} of the table that was printed."""
    lines = printed.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("strategy"))
    return {cells[0]: cells[1:] for line in lines[head + 1 :] if len(cells := line.split()) == 5}


def test_a_larger_budget_trains_a_larger_batch_and_peaks_stay_within(example, capsys):
    batches = []
    for megabytes in (4, 8):
        arguments = ["--budget", f"{megabytes}MB", "--strategies", "dense", "quant4+checkpoint"]
        assert example.main([*QUICK, *arguments]) == 0
        found = rows(capsys.readouterr().out)
        assert found.keys() == {"dense", "quant4+checkpoint"} and found["dense"][1] == "1.00"
        assert all(0 < float(peak) <= megabytes for _, _, _, peak in found.values())
        batches.append({name: int(cells[0]) for name, cells in found.items()})
    assert batches[0]["dense"] < batches[0]["quant4+checkpoint"]
    assert all(batches[0][name] < batches[1][name] for name in batches[0])


def test_max_batch_is_not_passed_and_too_small_a_budget_is_a_sentence(example, capsys):
    assert example.main([*QUICK, "--budget", "1GiB", "--strategies", "dense", "--max-batch", "3"]) == 0
    assert rows(capsys.readouterr().out)["dense"][0] == "3+"
    assert example.main([*QUICK, "--budget", "1KB", "--strategies", "dense", "inplace"]) == 0
    printed = capsys.readouterr().out
    assert rows(printed)["dense"] == ["-"] * 4
    assert "dense: not even one image trains in 0.001 MB" in printed
    assert "inplace is left out: lenet5 has no batch normalisation" in printed


def test_images_of_a_data_set_are_repeated(example):
    images = example.Images(options(example, "--data", "digits"))
    count = len(images._data) + 2
    x, y = images.batch(count)
    assert x.shape == (*images.shape[1:], count, 1) and y[-2:].tolist() == y[:2].tolist()


def pictures(folder, size):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: no image files to read")
    for kind in ("cat", "dog", "eel"):
        (folder / kind).mkdir(parents=True)
        for i in range(5):
            image.new("RGB", size, (40 * i, 0, 0)).save(folder / kind / f"{i}.png")
    return f"folder:{folder}"


def test_a_folder_of_pictures_is_a_data_set_with_classes_of_its_own(example, capsys, tmp_path):
    name = pictures(tmp_path / "pets", (12, 12))
    images = example.Images(options(example, "--data", name))
    assert images.shape == (3, 12, 12) and images.classes == 3
    arguments = ["--data", name, "--budget", "2MB", "--strategies", "dense", "--max-batch", "2"]
    assert example.main([*QUICK, *arguments]) == 0
    assert rows(capsys.readouterr().out)["dense"][0] == "2+"


def test_data_that_no_network_takes_or_nobody_knows_is_a_sentence(example, capsys, tmp_path):
    for name, message in (
        (pictures(tmp_path / "wide", (12, 8)), "the networks take square images, got 8 x 12"),
        ("cats", "expected a data set mnist, "),
    ):
        with pytest.raises(SystemExit) as ended:
            example.main([*QUICK, "--budget", "1MB", "--data", name])
        assert ended.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize("limit", [1, 5, 4096])
@pytest.mark.parametrize("base", [0, 900])
@pytest.mark.parametrize("slope", [3, 37, 1000, 1100])
@pytest.mark.parametrize("kink", [0, 200])  # from this batch on an image costs half as much again
def test_the_search_finds_the_largest_batch_in_few_measurements(example, limit, base, slope, kink):
    measured = []

    def peak(batch):
        assert 1 <= batch <= limit and batch not in measured
        measured.append(batch)
        return base + slope * batch + (slope * max(0, batch - kink) // 2 if kink else 0)

    budget = 12_000
    batch, nbytes = example.search(peak, budget, limit)
    assert len(measured) <= 12
    largest = max((n for n in range(1, limit + 1) if base + slope * n + kink_cost(n, slope, kink) <= budget), default=0)
    assert batch <= largest < batch + example.tolerance(batch)
    assert batch == 0 or nbytes <= budget


def kink_cost(batch, slope, kink):
    return slope * max(0, batch - kink) // 2 if kink else 0


def test_a_batch_that_runs_out_of_memory_is_too_large(example):
    assert example.search(lambda n: float("inf") if n > 20 else n, 10**9, 4096) == (20, 20)


@pytest.mark.parametrize(
    ("text", "nbytes"), [("512MB", 512 * 10**6), ("1.5GiB", 3 << 29), ("64 kib", 1 << 16), ("100", 100)]
)
def test_sizes(example, text, nbytes):
    assert example.size(text) == nbytes


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: --budget"),
        (["--budget", "512QB"], "argument --budget: expected a size as 512MB or 1.5GiB, got 512QB"),
        (["--budget", "0MB"], "got 0MB"),
        (["--budget", "1MB", "--strategies", "zip"], "strategy zip: unknown store 'zip'"),
        (["--budget", "1MB", "--strategies", "quant8+mask8"], "quant8 and mask8 are two stores"),
        (["--budget", "1MB", "--strategies", "strict"], "strict goes with spec"),
        (["--budget", "1MB", "--strategies", "spec+inplace"], "inplace goes with a spatial net"),
        (["--budget", "1MB", "--max-batch", "0"], "argument --max-batch: expected a whole number from 1 on, got 0"),
        (["--budget", "1MB", "--data", "digits", "--image-size", "32"], "--image-size is for random images"),
    ],
)
def test_mistake_is_one_sentence_and_status_2(example, capsys, arguments, sentence):
    try:
        status = example.main([*QUICK, *arguments])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2 and sentence in error and error.count("\n") == 1


@pytest.mark.parametrize("model", ["alexnet", "vgg16", "densenet", "lenet5"])
@pytest.mark.parametrize("spec", ["", "+spec"])
def test_checkpoints_change_what_is_saved_and_no_gradient(example, model, spec):
    images = example.Images(options(example, "--model", model))
    x, y = images.batch(2)
    found = []
    for name in (f"dense{spec}", f"dense+checkpoint{spec}"):
        net = example.build(model, example.parse(name), *images.shape[:2], 1 / 16)
        with sf.Tape(store="dense") as tape:
            loss = sf.ops.softmax_cross_entropy(net(sf.Tensor(x)), y)
        tape.backward(loss)
        found.append((tape.ledger.nbytes, [p.grad for p in net.parameters()]))
    (plain, expected), (saved, gradients) = found
    assert saved < plain
    for g, e in zip(gradients, expected, strict=True):
        assert abs(g - e).max() <= 1e-5 * max(1e-3, abs(e).max())


def test_help_explains_every_option(example, capsys):
    with pytest.raises(SystemExit):
        example.main(["--help"])
    text = capsys.readouterr().out
    assert all(action.help and action.option_strings[-1] in text for action in example.make_parser()._actions)
