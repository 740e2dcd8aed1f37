"""benchmarks/frontier.py: which runs become points, where, and what the front is."""

import json
import pathlib

import pytest

from specframe.training import plots

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def frontier(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import frontier

    return frontier


@pytest.fixture
def results(tmp_path):
    """Two seeds of a spectral net, one of its twin, one of another net; figures of memory.py for three ways."""
    runs = {"spec, seed 0": (0.6, 0.2), "spec, seed 1": (0.7, 0.4), "saved by dense, seed 0": (0.62, 0.5),
            "specdense, seed 0": (0.9, 0.1)}  # fmt: skip
    runs = {name: {"accuracy": accuracy, "ratio": ratio} for name, (accuracy, ratio) in runs.items()}
    (tmp_path / "deep_study.json").write_text(json.dumps(runs))
    ways = {"torch": (100, 50, 50), "spec": (40, 10, 10), "checkpoint": (60, 5, 20)}
    ways = {name: {"peak": peak, "saved": saved, "highest": highest} for name, (peak, saved, highest) in ways.items()}
    ways["inplace"] = {"refused": "no"}
    (tmp_path / "memory.json").write_text(json.dumps({"nets": {"vgg16": ways}}))
    return tmp_path


def test_points_are_means_over_seeds_relative_to_pytorch(frontier, results):
    rows, measured = frontier.load(results, "vgg16")
    assert "specdense" not in rows and "inplace" not in measured
    points = {each.name: each[1:] for each in frontier.by_bytes(rows, measured, "vgg16")}
    assert points["spec"] == pytest.approx((0.3, 65, 60, 70))
    assert points["PyTorch"] == pytest.approx((1.0, 62, 62, 62))
    assert points["recomputation"] == pytest.approx((20 / 50, 62, 62, 62))
    peaks = {each.name: each[1] for each in frontier.by_peak(rows, measured, "vgg16")}
    assert peaks == pytest.approx({"spec": 0.4, "PyTorch": 1.0, "recomputation": 0.6})


def test_the_front_has_no_point_that_another_beats_in_both(frontier):
    points = [
        frontier.Point(name, memory, accuracy, accuracy, accuracy)
        for name, memory, accuracy in (("a", 1, 5), ("b", 2, 4), ("c", 2, 7), ("d", 3, 7), ("e", 4, 9))
    ]
    assert [each.name for each in frontier.front(points)] == ["a", "c", "e"]


def test_without_peaks_there_is_no_second_panel(frontier, results):
    (results / "memory.json").unlink()
    rows, measured = frontier.load(results, "vgg16")
    assert measured == {} and frontier.by_peak(rows, measured, "vgg16") == []


@pytest.mark.skipif(not plots.available(), reason="matplotlib is not installed")
def test_the_chart_is_drawn_and_a_net_without_runs_is_refused(frontier, results, tmp_path, capsys):
    out = tmp_path / "frontier.png"
    frontier.main(["--results", str(results), "--out", str(out)])
    assert out.read_bytes().startswith(b"\x89PNG") and capsys.readouterr().out == f"written to {out}\n"
    (results / "deep_study.json").write_text("{}")
    with pytest.raises(ValueError, match="has no runs of vgg16"):
        frontier.main(["--results", str(results)])
