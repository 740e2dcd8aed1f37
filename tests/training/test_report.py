"""What a run leaves behind, with the right figures."""

import csv
import json
import os

from specframe.training import Epoch, History, plots
from specframe.training.report import table, write_report

SPECTRAL = History(
    [
        Epoch(1, 0.1, 2.0, 1.5, 0.5, 900_000, 4_000_000, [0.1, 0.2], 3.0, 20.0),
        Epoch(2, 0.05, 1.0, 0.5, 0.875, 878_123, 4_010_000, [0.092, 0.208], 5.0, 12.0),
    ]
)
SPATIAL = History([Epoch(1, 0.1, 2.0, 1.5, 0.75, 2_595_000, 6_240_000, [], 2.0, 30.0)])


def test_metrics_are_those_of_the_last_epoch_and_the_mean_time(tmp_path):
    write_report(tmp_path, {"spectral": SPECTRAL, "spatial": SPATIAL}, data="digits", device="cpu", title="title")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    history = [dict(epoch._asdict()) for epoch in SPECTRAL.epochs]
    assert metrics["data"] == "digits" and metrics["device"] == "cpu"
    assert metrics["spectral"] == {
        "test_accuracy": 0.875, "saved_bytes": 878_123, "peak_bytes": 4_010_000, "seconds_per_epoch": 4.0,
        "density": [0.092, 0.208], "history": history,
    }  # fmt: skip
    assert metrics["spatial"]["density"] == []
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    assert [(row["net"], row["epoch"]) for row in rows] == [("spectral", "1"), ("spectral", "2"), ("spatial", "1")]


def test_a_net_that_was_not_trained_is_null(tmp_path):
    write_report(tmp_path, {"spatial": SPATIAL}, data="mnist", device="cpu", title="title")
    assert json.loads((tmp_path / "metrics.json").read_text())["spectral"] is None


def test_pictures_are_left_out_with_a_word_where_matplotlib_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plots, "available", lambda: False)
    write_report(tmp_path, {"spatial": SPATIAL}, data="mnist", device="cpu", title="title")
    assert "pip install 'specframe[plot]'" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path)) == ["history.csv", "metrics.json"]


def test_the_table_has_a_column_a_net():
    assert table({"spectral": SPECTRAL, "spatial": SPATIAL}).splitlines() == [
        "                            spectral      spatial",
        "test accuracy               87.50 %       75.00 %",
        "saved for backward, a step  0.878 MB      2.595 MB",
        "measured peak of a step     4.010 MB      6.240 MB",
        "seconds an epoch            4.0           2.0",
        "density of the spectra      0.092, 0.208  -",
    ]
