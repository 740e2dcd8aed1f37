"""Pictures are written where matplotlib is installed; nothing imports it before."""

import subprocess
import sys

import numpy as np
import pytest

import specframe as sf
from specframe.layers import SpectralBlock
from specframe.training import Epoch, History, plots

needs_matplotlib = pytest.mark.skipif(not plots.available(), reason="matplotlib is not installed")


def history():
    return History([Epoch(i, 0.1, 1 / i, 1 / i, 1 - 0.5 / i, 10**6, 10**7, [0.1], 1.0, 64.0) for i in (1, 2, 3)])


def test_training_does_not_import_matplotlib():
    code = "import sys, specframe.training.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@needs_matplotlib
def test_curves_are_a_picture(tmp_path):
    plots.curves(tmp_path / "curves.png", {"spectral": history(), "spatial": history()}, "title")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@needs_matplotlib
@pytest.mark.parametrize("by", ["layer", "op", "format"])
def test_a_ledger_is_a_picture(tmp_path, by):
    with sf.Tape(store="mask8") as tape:
        sf.ops.sum(SpectralBlock(1, 3, 5)(sf.Tensor(np.ones((12, 12, 8, 1), np.float32))))
    plots.ledger(tmp_path / "ledger.png", tape.ledger, by=by)
    assert (tmp_path / "ledger.png").read_bytes().startswith(b"\x89PNG")


@needs_matplotlib
def test_spectra_are_a_picture(tmp_path):
    image = np.random.default_rng(0).random((1, 12, 12), np.float32)
    plots.spectra(tmp_path / "spectra.png", SpectralBlock(1, 3, 5), image)
    assert (tmp_path / "spectra.png").read_bytes().startswith(b"\x89PNG")


def test_larger_thresholds_keep_less():
    image = np.random.default_rng(0).random((1, 12, 12), np.float32)
    block = SpectralBlock(1, 3, 5)
    kept = [np.count_nonzero(plots.first_layer_maps(block, image, beta)[0]) for beta in (0.0, 0.2, 0.5)]
    assert kept[0] > kept[1] > kept[2]


def test_spectra_of_a_spatial_layer_are_refused(tmp_path):
    with pytest.raises(TypeError, match="expected a SpectralBlock"):
        plots.spectra(tmp_path / "x.png", object(), np.zeros((1, 4, 4), np.float32))
