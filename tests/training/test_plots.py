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
def test_names_of_points_at_one_place_do_not_cover_each_other():
    figure = plots._figure()
    axes = figure.subplots()
    points = [(name, 1.0, 2.0) for name in "abc"] + [("far", 2.0, 2.0)]
    axes.plot([x for _, x, _ in points], [y for _, _, y in points], "o")
    plots.label_points(axes, points)
    heights = [text.xyann[1] for text in axes.texts[:3]]
    assert min(abs(one - other) for one in heights for other in heights if one is not other) > 0.025
    assert [text.get_text() for text in axes.texts] == ["a", "b", "c", "far"]
    assert axes.texts[3].xyann[1] == heights[0], "nothing is near"


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


@pytest.fixture
def drawn(monkeypatch):
    """Draws with a function of plots; gives the matplotlib figure."""
    figures = []
    monkeypatch.setattr(plots, "_save", lambda figure, path: figures.append(figure))

    def draw(function, *args, **options):
        function("picture.png", *args, **options)
        return figures[-1]

    return draw


def panels(figure, label):
    """The axes whose title begins so."""
    return [axes for axes in figure.axes if axes.get_title().startswith(label)]


@needs_matplotlib
def test_the_input_is_shown_once_and_bright_where_it_is_bright(drawn):
    image = np.zeros((1, 12, 12), np.float32)
    image[0, 3, 4] = 1
    figure = drawn(plots.spectra, SpectralBlock(1, 3, 5), image)
    (axes,) = panels(figure, "input")
    shown = axes.images[0]
    grey = shown.to_rgba(shown.get_array())[:, :, 0]
    assert np.argwhere(grey == grey.max()).tolist() == [[3, 4]] and grey.max() > grey.min()


@needs_matplotlib
def test_an_image_of_three_channels_is_shown_in_colour(drawn):
    image = np.zeros((3, 12, 12), np.float32)
    image[1, 3, 4], image[0, 0, 0] = 2, -2  # normalised images leave 0 to 1
    figure = drawn(plots.spectra, SpectralBlock(3, 3, 5), image)
    pixels = panels(figure, "input")[0].images[0].get_array()
    assert pixels[3, 4].tolist() == [0.5, 1, 0.5] and pixels[0, 0].tolist() == [0, 0.5, 0.5]


@needs_matplotlib
@pytest.mark.parametrize("size", [12, 13])  # an even and an odd grid
def test_the_axes_of_spectra_are_frequencies_and_zero_is_marked(drawn, size):
    image = np.ones((1, size, size), np.float32)
    block = SpectralBlock(1, 3, 3, beta=0.7, grid="circular")
    figure = drawn(plots.spectra, block, image, channels=1)
    shown = panels(figure, "β")
    assert [axes.get_title().split("\n")[0] for axes in shown] == [
        "β = 0", "β = 0.5", "β = 0.7, as trained", "β = 1", "β = 1.5"]  # fmt: skip
    for axes in shown:
        assert [line.get_xydata().tolist() for line in axes.lines] == [[[0, 0]]]
        assert axes.get_xlabel() == "column frequency"
        first = -(size // 2)
        assert axes.get_yticks().tolist() == [first, 0, first + size - 1]
        assert axes.get_xticks().tolist() == [0, size // 2]
    # the pixel that is drawn at (0, 0) is the largest: the image is constant, its only frequency is zero
    picture = shown[0].images[0]
    left, right, bottom, top = picture.get_extent()
    values = picture.get_array()
    rows, cols = values.shape
    row, col = int((0 - top) / (bottom - top) * rows), int((0 - left) / (right - left) * cols)
    assert np.unravel_index(values.argmax(), values.shape) == (row, col)


@needs_matplotlib
def test_every_row_has_one_colour_bar(drawn):
    image = np.random.default_rng(0).random((1, 12, 12), np.float32)
    figure = drawn(plots.spectra, SpectralBlock(1, 3, 5), image, channels=2)
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert labels == ["log(1 + |Z|)", "irfft2(Z)"] * 2


@needs_matplotlib
def test_curves_have_whole_epochs_and_plain_numbers(drawn):
    figure = drawn(plots.curves, {"spectral": history()}, "title")
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "training loss", "test accuracy, %", "saved for backward, MB a step"]  # fmt: skip
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1, 2, 3]
    few = drawn(plots.curves, {"spectral": History(history().epochs[:1])}, "title")
    low, high = few.axes[0].get_xlim()
    assert [tick for tick in few.axes[0].get_xticks() if low <= tick <= high] == [1]


@needs_matplotlib
def test_a_loss_that_falls_far_has_a_logarithmic_axis_with_plain_numbers(drawn):
    epochs = [epoch._replace(train_loss=loss) for epoch, loss in zip(history().epochs, (2.3, 0.5, 0.04), strict=True)]
    figure = drawn(plots.curves, {"spectral": History(epochs)}, "title")
    loss = figure.axes[0]
    figure.canvas.draw()
    ticks = {tick.get_text() for tick in (*loss.yaxis.get_majorticklabels(), *loss.yaxis.get_minorticklabels())}
    assert loss.get_yscale() == "log" and {"0.1", "1", "0.5"} <= ticks


def test_larger_thresholds_keep_less():
    image = np.random.default_rng(0).random((1, 12, 12), np.float32)
    block = SpectralBlock(1, 3, 5)
    kept = [np.count_nonzero(plots.first_layer_maps(block, image, beta)[0]) for beta in (0.0, 0.2, 0.5)]
    assert kept[0] > kept[1] > kept[2]


def test_spectra_of_a_spatial_layer_are_refused(tmp_path):
    with pytest.raises(TypeError, match="expected a SpectralBlock"):
        plots.spectra(tmp_path / "x.png", object(), np.zeros((1, 4, 4), np.float32))
