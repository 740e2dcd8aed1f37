"""examples/paper.py: runs that are cached and resumed, and a report that needs nothing else."""

import csv
import os
import pathlib
import re
import signal
import sys
import threading
import time
from dataclasses import replace

import pytest

from specframe.training import plots
from tests.kit.scripts import loaded

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not plots.available(), reason="matplotlib is not installed")


@pytest.fixture(scope="module")
def paper():
    with loaded("examples/paper.py") as module:
        yield module


@pytest.fixture
def tiny(paper, monkeypatch):
    """Seconds: two epochs of 64 digits, LeNet only."""
    scale = replace(paper.QUICK, images={"digits": (64, 40)}, epochs={"digits": 2}, betas=(0.5, 1.0), width=1 / 16)
    monkeypatch.setattr(paper, "QUICK", scale)
    from paper_parts import scale as scales

    monkeypatch.setattr(scales, "NETS", {"lenet5": "LeNet"})
    for name in ("fig3", "fig4", "fig5"):
        monkeypatch.setattr(sys.modules[f"paper_parts.{name}"], "NETS", {"lenet5": "LeNet"})
    return paper


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_figure_is_drawn_from_runs_that_are_done_once(tiny, tmp_path, capsys):
    call = ["fig3", "--quick", "--data", "digits", "--device", "cpu", "--out", str(tmp_path)]
    assert tiny.main(call) == 0
    printed = capsys.readouterr().out
    assert "0 runs are there already, 3 to do" in printed and "[3/3, about" in printed
    folder = tmp_path / "quick"
    rows = table(folder / "fig3.csv")
    assert [row["beta"] for row in rows] == ["0.5", "1.0"] and {row["net"] for row in rows} == {"LeNet"}
    assert 1 > float(rows[0]["saved / twin"]) > float(rows[1]["saved / twin"]) > 0
    page = (folder / "report.html").read_text()
    assert 'src="data:image/png;base64,' in page and "python examples/paper.py fig3 --quick" in page
    assert not re.search(r'(src|href)="(?!data:)', page) and "Fig. 3" in page and "monotone in beta everywhere" in page
    assert tiny.main([*call]) == 0
    assert "3 runs are there already, 0 to do" in capsys.readouterr().out


def test_a_figure_uses_the_runs_of_another_one(tiny, tmp_path, capsys):
    out = ["--quick", "--data", "digits", "--device", "cpu", "--out", str(tmp_path)]
    assert tiny.main(["fig5", *out]) == 0 and tiny.main(["fig3", *out]) == 0
    assert "2 runs are there already, 1 to do" in capsys.readouterr().out
    assert {row["net"] for row in table(tmp_path / "quick" / "fig5.csv")} == {"LeNet", "SpecLeNet"}
    assert {row["epoch"] for row in table(tmp_path / "quick" / "fig5.csv")} == {"1", "2"}


def test_fig_2_keeps_fewer_frequencies_at_a_larger_beta(tiny, tmp_path):
    assert tiny.main(["fig2", "--quick", "--data", "digits", "--device", "cpu", "--out", str(tmp_path)]) == 0
    stored = [float(row["stored, %"]) for row in table(tmp_path / "quick" / "fig2.csv")]
    assert stored[0] == 100 > stored[1] and stored == sorted(stored, reverse=True)


FAKE = """
import os, pathlib, signal, sys, time
out = pathlib.Path(next(a for a in sys.argv if a.startswith("--out=")).removeprefix("--out="))
with open(out / "calls.txt", "a") as file:
    file.write(" ".join(sys.argv[1:]) + " BLAS " + os.environ["OPENBLAS_NUM_THREADS"] + chr(10))
def stop(number, frame):
    (out / "checkpoint.npz").touch()
    sys.exit(130)
signal.signal(signal.SIGINT, stop)
if "--beta=9" in sys.argv:
    while not list(out.parent.glob("*/started")):
        time.sleep(0.01)
    sys.exit("train.py: error: no such beta")
if "--resume" not in sys.argv:
    (out / "started").touch()
    time.sleep(60)
(out / "metrics.json").touch()
"""


@pytest.fixture
def fake(paper, tmp_path, monkeypatch):
    """(runs below a folder, two at a time, three runs) of a train.py that waits for Ctrl-C and ends when it resumes."""
    from paper_parts import runs

    script = tmp_path / "train.py"
    script.write_text(FAKE)
    monkeypatch.setattr(runs, "TRAIN", str(script))
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr(runs.launch, "cores", lambda: 4)
    wanted = [runs.make(paper.QUICK, "speclenet5", "digits", {"beta": beta}) for beta in (0.5, 1.0, 9)]
    return runs.Runs(tmp_path, ["--device=cpu"], jobs=2), wanted


def interrupted(mine, wanted):
    """Ctrl-C once these runs have begun."""

    def press():
        while not all((mine.path(run) / "started").exists() for run in wanted):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(sys.modules["paper_parts.runs"].Stopped):
        mine.complete(wanted)
    thread.join()


def test_what_was_stopped_goes_on(fake):
    mine, (one, other, _) = fake
    interrupted(mine, [one, other])
    assert not mine.done(one) and not mine.done(other)
    mine.complete([one, other])
    for run in (one, other):
        first, second = (mine.path(run) / "calls.txt").read_text().splitlines()
        place = f"--device=cpu --out={mine.path(run)} --no-pictures BLAS 2"
        assert first == f"{' '.join(run.arguments)} {place}" and second == f"--resume {place}"


def test_a_run_that_fails_says_why_and_stops_the_others(fake):
    mine, (one, _, wrong) = fake
    with pytest.raises(ValueError, match=r"a run failed: python examples/train\.py --model=speclenet5 .*no such beta"):
        mine.complete([one, wrong])
    assert (mine.path(one) / "checkpoint.npz").exists() and not mine.done(one) and not mine.done(wrong)


def test_other_settings_are_another_run(paper):
    from paper_parts import runs
    from paper_parts.scale import QUICK

    one, other = (runs.make(QUICK, "specvgg16", "cifar10", {"beta": beta}) for beta in (0.5, 0.7))
    assert one.name != other.name and one.name.startswith("specvgg16-cifar10-")
    assert one == runs.make(QUICK, "specvgg16", "cifar10", {"beta": 0.5}) and "--width=0.125" in one.arguments
    way = runs.make(QUICK, "vgg16", "cifar10", {"in_place": True, "store": "quant8"})
    assert way.arguments[-2:] == ("--in-place", "--store=quant8")


def test_every_figure_has_runs_on_every_data_set_it_can_be_trained_on(paper):
    plans = {name: part.plan(paper.FULL, ["mnist", "cifar10", "svhn"]) for name, part in paper.PARTS.items()}
    assert len(plans["fig3"]) == (1 + len(paper.FULL.betas)) * 9  # LeNet on all three, three nets on two
    assert all("--paper" in run.arguments for run in plans["fig3"].values())
    assert len(plans["table2"]) == 2 * 11 and not plans["table1"] and not plans["claims"]
    assert {key[1] for key in paper.PARTS["fig3"].plan(paper.QUICK, ["digits"])} == {"lenet5", "densenet"}


def test_table_1_has_the_papers_sizes(tiny, tmp_path):
    assert tiny.main(["table1", "--quick", "--data", "digits", "--out", str(tmp_path)]) == 0
    rows = table(tmp_path / "quick" / "table1.csv")
    own = [row["output"] for row in rows if row["net"] == "SpecDenseNet"]
    assert own[:2] == ["32x32x64", "16x16x64"] and own[2:14] == ["19x10x64"] * 12


# ---- claims ----------------------------------------------------------------------------------------------------------


def test_the_page_of_claims_is_what_the_results_say(paper):
    from paper_parts import claims

    assert (ROOT / "docs" / "claims.md").read_text() == claims.markdown(claims.read())


def test_a_claim_is_judged_by_its_figures(paper, tmp_path):
    from paper_parts import claims

    assert {line[2] for line in claims.judged({})} == {"not run"}
    own, twin = claims.Row("own", 67.5, 67, 68, 0.37, 3), claims.Row("twin", 68.4, 68, 69, 0.5, 3)
    assert claims.at_most(0.37)(own, twin) == "reproduced"
    assert claims.at_most(0.36)(own, twin) == "not reproduced"
    assert claims.at_most(0.42)(own, twin) == "better"
    assert claims.at_most(0.37)(replace(own, accuracy=67.3), twin) == "not reproduced"
    (tmp_path / "a.json").write_text('{"x, seed 0": {"accuracy": 0.5, "ratio": 0.1}, "x, seed 1": '
                                     '{"accuracy": 0.7, "ratio": 0.3}, "nets": {}}')  # fmt: skip
    rows = claims.read(tmp_path)
    assert str(rows["x"]) == "x: 60.0 % at 0.200 (2 seeds, 50.0 to 70.0)" and len(rows) == 1


def test_the_curves_of_a_row_are_those_that_all_its_runs_have(paper, tmp_path):
    from paper_parts import claims

    (tmp_path / "a.json").write_text(
        '{"x, seed 0": {"accuracy": 0.5, "ratio": 0.1, "history": [0.2, 0.5], "saved": [4e6, 3e6]},'
        ' "x, seed 1": {"accuracy": 0.7, "ratio": 0.3, "history": [0.4, 0.7]}}'
    )
    row = claims.read(tmp_path)["x"]
    assert row.curve == pytest.approx((0.3, 0.6)) and row.saved == () and row.pace == pytest.approx(0.75)


def test_memory_that_falls_with_the_epochs_in_one_net_refutes_fig_4(paper):
    from paper_parts import claims

    claim = next(claim for claim in claims.CLAIMS if claim.where.endswith("Fig. 4"))
    rising = claims.Row("own", 88, 88, 88, 0.05, 1, saved=(2e6, 3.05e6, 3e6))
    falling, flat = replace(rising, saved=(4e6, 3e6, 2e6)), replace(rising, saved=(3e6, 2.9e6, 3.01e6))
    assert claim.judge(rising, rising) == "reproduced"
    assert claim.judge(rising, falling) == claim.judge(flat) == "not reproduced"
    assert claim.shown(falling) == "own: 4.00 MB after epoch 1, 2.00 after 3; most after epoch 1"


def test_mistakes_are_one_sentence(paper, capsys, monkeypatch, tmp_path):
    with pytest.raises(SystemExit, match="2"):
        paper.main(["fig9"])
    monkeypatch.setattr(plots, "available", lambda: False)
    assert paper.main(["fig3", "--quick", "--out", str(tmp_path / "new")]) == 2
    assert capsys.readouterr().err.endswith("the figures need matplotlib: pip install 'specframe[plot]'\n")
    assert not (tmp_path / "new").exists()
