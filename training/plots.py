"""Pictures of a run: training curves, the bytes of a step, the maps after the first layer. Needs the extra `plot`.

matplotlib is imported when a picture is asked for, never with the package.
"""

import copy
import importlib.util
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specframe import ops
from specframe.layers import SpectralBlock
from specframe.tensor import Tensor
from specframe.training.evaluate import evaluating
from specframe.training.files import write_atomically
from specframe.training.history import History

Path: TypeAlias = str | os.PathLike[str]
Array: TypeAlias = npt.NDArray[Any]

COLOURS = {"spectral": "#c2410c", "spatial": "#1d4ed8"}


def available() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def _figure(**options: Any) -> Any:
    # The object-oriented interface: no window system, no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=150, **options)
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    write_atomically(path, lambda file: figure.savefig(file, format="png"))


def curves(path: Path, histories: Mapping[str, History], title: str) -> None:
    """Training loss, test accuracy and saved bytes against the epoch; `histories` maps names of nets to a History."""
    figure = _figure(figsize=(10, 3.2))
    figure.suptitle(title)
    panels = (
        ("training loss", lambda e: e.train_loss, "log"),
        ("test accuracy, %", lambda e: 100 * e.test_accuracy, "linear"),
        ("saved for backward, MB a step", lambda e: e.saved_bytes / 1e6, "linear"),
    )
    for axes, (label, value, scale) in zip(figure.subplots(1, 3), panels, strict=True):
        for name, history in histories.items():
            epochs = [epoch.epoch for epoch in history.epochs]
            axes.plot(epochs, [value(e) for e in history.epochs], "o-", ms=4, label=name, color=COLOURS.get(name))
        axes.set(xlabel="epoch", title=label, yscale=scale)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if scale == "linear" and "MB" in label:
            axes.set_ylim(bottom=0)
    figure.axes[0].legend(frameon=False)
    _save(figure, path)


def ledger(path: Path, ledger: Any, title: str = "saved for backward", by: str = "layer") -> None:
    """What a step saved, a horizontal bar a layer, op or format, split into values, indices, bits and scales.

    Parameters
    ----------
    path : str
    ledger : storage.Ledger
    by : "layer", "op" or "format"
    """
    kinds = ("values", "indices", "pointers", "masks", "scales")
    names = [name for name, nbytes in ledger.by(by).items() if nbytes]
    figure = _figure(figsize=(8, 1.2 + 0.24 * len(names)))
    axes = figure.subplots()
    left = np.zeros(len(names))
    for kind in kinds:
        totals = dict.fromkeys(names, 0)
        for row in ledger.rows:
            if row.nbytes:
                totals[getattr(row, by)] += getattr(row, kind)
        widths = np.array(list(totals.values())) / 1e6
        if widths.any():
            axes.barh([name or "(outside)" for name in names], widths, left=left, label=kind)
        left += widths
    axes.invert_yaxis()  # the first layer on top
    axes.set(xlabel="MB", title=f"{title}: {ledger.nbytes / 1e6:.2f} MB")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", labelsize=7)
    axes.legend(frameon=False)
    _save(figure, path)


def first_layer_maps(block: SpectralBlock, image: Array, beta: float) -> tuple[Array, Array]:
    """Spectrum and map of the first convolution of a block, at a threshold.

    Parameters
    ----------
    block : SpectralBlock
    image : array (channels, rows, cols)
    beta : float

    Returns
    -------
    (Z, y) : arrays (P, Q, channels) complex and (rows, cols, channels) real
    """
    x = Tensor(block.weight.backend.asarray(np.ascontiguousarray(image.transpose(1, 2, 0)[:, :, None])))
    first = copy.copy(block)
    first.beta, first.convs = beta, 1
    with evaluating(first):  # one image has no statistics of its own
        Z = first.spectrum(x)
    return Z.numpy()[:, :, 0], ops.irfft2(Z).numpy()[:, :, 0]


def spectra(
    path: Path, block: SpectralBlock, image: Array, betas: Sequence[float] = (0.0, 0.5, 1.0, 1.5), channels: int = 2
) -> None:
    """The paper's Fig. 2: maps after the first layer, in the spectrum and in space, for several thresholds.

    Parameters
    ----------
    path : str
    block : SpectralBlock, the first layer of a trained net
    image : array (channels, rows, cols)
    betas : sequence of float
    channels : int, feature maps to show: those with the most energy
    """
    if not isinstance(block, SpectralBlock):
        raise TypeError(f"spectra: expected a SpectralBlock, got {type(block).__name__}")
    maps = [first_layer_maps(block, image, beta) for beta in betas]
    shown = np.argsort(-(maps[0][1] ** 2).sum(axis=(0, 1)))[:channels]
    figure = _figure(figsize=(2.1 * (len(betas) + 1), 2.2 * 2 * len(shown)))
    axes = figure.subplots(2 * len(shown), len(betas) + 1, squeeze=False)
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
    for i, channel in enumerate(shown):
        top = np.log1p(np.abs(maps[0][0][:, :, channel])).max()
        bound = np.abs(maps[0][1][:, :, channel]).max()
        for panel in axes[2 * i : 2 * i + 2, 0]:
            panel.axis("off")
        axes[2 * i, 0].axis("on")
        axes[2 * i, 0].imshow(image[0], cmap="gray_r")
        axes[2 * i, 0].set_title("input", fontsize=9)
        for j, (beta, (Z, y)) in enumerate(zip(betas, maps, strict=True), start=1):
            # rows -P/2 .. P/2 from top to bottom, so that low frequencies lie in the middle of the left edge
            magnitude = np.log1p(np.abs(np.fft.fftshift(Z[:, :, channel], axes=0)))
            kept = np.mean(Z[:, :, channel] != 0)
            axes[2 * i, j].imshow(np.where(magnitude > 0, magnitude, np.nan), cmap="magma", vmin=0, vmax=top)
            axes[2 * i, j].set_facecolor("#e5e7eb")
            axes[2 * i, j].set_title(f"β = {beta:g}: {100 * kept:.0f} % kept", fontsize=9)
            axes[2 * i + 1, j].imshow(y[:, :, channel], cmap="RdBu_r", vmin=-bound, vmax=bound)
        axes[2 * i, 1].set_ylabel(f"log(1 + |Z|), map {channel}", fontsize=8)
        axes[2 * i + 1, 1].set_ylabel("irfft2(Z)", fontsize=8)
    figure.suptitle("After the first layer: half spectrum above, map below (grey: not stored)", fontsize=10)
    _save(figure, path)
