"""Pictures of a run: training curves, the bytes of a step, the maps after the first layer. Needs the extra `plot`.

matplotlib is imported when a picture is asked for, never with the package.
"""

import copy
import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specframe import ops
from specframe.atomic import write_atomically
from specframe.layers import SpectralBlock
from specframe.tensor import Tensor
from specframe.training.evaluate import evaluating
from specframe.training.history import Epoch, History

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


def label_points(axes: Any, points: Sequence[tuple[str, float, float]], apart: float = 0.3) -> None:
    """Write the name of each point (name, x, y) beside it, at the nearest height that is free.

    Call it when all else is drawn: the limits of the axes stay what they are then. Names of points that are `apart`,
    as a part of the axes' width, cannot meet.
    """
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    to_axes = axes.transData + axes.transAxes.inverted()
    hair = {"arrowstyle": "-", "lw": 0.3, "color": "#9ca3af"}
    halo = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5}
    line, taken = 0.026, list[tuple[float, float]]()
    for name, x, y in sorted(points, key=lambda point: -point[2]):
        left, bottom = to_axes.transform((x, y))
        near = [height for other, height in taken if abs(other - left) < apart]
        heights = (bottom + sign * k * line for k in range(100) for sign in (1, -1))
        height = next(free for free in heights if all(abs(free - other) >= line for other in near))
        taken.append((left, height))
        axes.annotate(name, (x, y), (left + 0.01, height), textcoords="axes fraction", fontsize=7, va="center",
                      bbox=halo, arrowprops=hair)  # fmt: skip


def curves(path: Path, histories: Mapping[str, History], title: str) -> None:
    """Training loss, test accuracy and saved bytes against the epoch; `histories` maps names of nets to a History."""
    figure = _figure(figsize=(10, 3.2))
    figure.suptitle(title)
    panels: tuple[tuple[str, Callable[[Epoch], float]], ...] = (
        ("training loss", lambda e: e.train_loss),
        ("test accuracy, %", lambda e: 100 * e.test_accuracy),
        ("saved for backward, MB a step", lambda e: e.saved_bytes / 1e6),
    )
    for axes, (label, value) in zip(figure.subplots(1, 3), panels, strict=True):
        for name, history in histories.items():
            epochs = [epoch.epoch for epoch in history.epochs]
            axes.plot(epochs, [value(e) for e in history.epochs], "o-", ms=4, label=name, color=COLOURS.get(name))
        axes.set(xlabel="epoch", ylabel=label, xlim=(0.5, max(map(len, histories.values())) + 0.5))
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    losses = [epoch.train_loss for history in histories.values() for epoch in history.epochs]
    if max(losses) > 3 * min(losses) > 0:
        loss = figure.axes[0]
        loss.set_yscale("log", subs=[2, 3, 5, 7])
        for axis in (loss.yaxis.set_major_formatter, loss.yaxis.set_minor_formatter):
            axis("{x:g}")  # 0.5, not 5 x 10^-1
    figure.axes[2].set_ylim(bottom=0)
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
    block : SpectralBlock, the first layer of a trained net; its own threshold is shown among the others
    image : array (channels, rows, cols)
    betas : sequence of float
    channels : int, feature maps to show: those with the most energy
    """
    if not isinstance(block, SpectralBlock):
        raise TypeError(f"spectra: expected a SpectralBlock, got {type(block).__name__}")
    trained = float(np.min(block.beta))
    betas = sorted({*map(float, betas), trained})
    maps = [first_layer_maps(block, image, beta) for beta in betas]
    shown = np.argsort(-(maps[0][1] ** 2).sum(axis=(0, 1)))[:channels]
    figure = _figure(figsize=(2.2 * (len(betas) + 1), 4.6 * len(shown)))
    grid = figure.add_gridspec(2 * len(shown), len(betas) + 1)
    _show_input(figure.add_subplot(grid[:2, 0]), image)
    for i, channel in enumerate(shown):
        above, below = ([figure.add_subplot(grid[2 * i + k, 1 + j]) for j in range(len(betas))] for k in (0, 1))
        stored = [Z[:, :, channel] for Z, _ in maps]
        for axes, beta, Z in zip(above, betas, stored, strict=True):
            mark = ", as trained" if beta == trained else ""
            axes.set_title(f"β = {beta:g}{mark}\n{100 * np.mean(Z != 0):.1f} % stored", fontsize=9)
        _show_spectra(figure, above, stored, f"map {channel}\nrow frequency")
        _show_maps(figure, below, [y[:, :, channel] for _, y in maps])
    title = "After the first layer: the half spectrum Z (+ zero frequency, grey: not stored), and irfft2(Z) below it"
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


def _show_input(axes: Any, image: Array) -> None:
    """One image, bright on dark as data sets hold it, in colour where it has three channels."""
    pixels = image.transpose(1, 2, 0) if len(image) == 3 else image[0]
    low, high = pixels.min(), pixels.max()
    axes.imshow((pixels - low) / ((high - low) or 1), cmap="gray")
    axes.set_title("input", fontsize=9)
    axes.set_axis_off()


def _show_spectra(figure: Any, row: list[Any], spectra: list[Array], label: str) -> None:
    """log(1 + |Z|) of half spectra (P, Q); rows -P/2 to P/2, so that low frequencies lie at the middle of the left."""
    P, Q = spectra[0].shape
    first = -(P // 2)
    edges = (-0.5, Q - 0.5, first + P - 0.5, first - 0.5)  # left, right, bottom, top: ticks are frequencies
    magnitudes = [np.log1p(np.abs(np.fft.fftshift(Z, axes=0))) for Z in spectra]
    top = max(magnitude.max() for magnitude in magnitudes)
    for axes, magnitude in zip(row, magnitudes, strict=True):
        stored = np.ma.masked_equal(magnitude, 0)
        shown = axes.imshow(stored, cmap="magma", vmin=0, vmax=top, extent=edges, interpolation="nearest")
        axes.plot(0, 0, "+", color="#0ea5e9", ms=6)
        axes.set_facecolor("#d1d5db")
        axes.set_xlabel("column frequency", fontsize=7)
        axes.set(xticks=[0, Q - 1], yticks=[first, 0, first + P - 1])
        axes.tick_params(labelsize=7)
    row[0].set_ylabel(label, fontsize=8)
    _colour_bar(figure, shown, row, "log(1 + |Z|)")


def _show_maps(figure: Any, row: list[Any], maps: list[Array]) -> None:
    """Maps (rows, cols) in space, zero in white."""
    bound = max(np.abs(y).max() for y in maps)
    for axes, y in zip(row, maps, strict=True):
        shown = axes.imshow(y, cmap="RdBu_r", vmin=-bound, vmax=bound)
        axes.set(xticks=[], yticks=[])
    row[0].set_ylabel("in space", fontsize=8)
    _colour_bar(figure, shown, row, "irfft2(Z)")


def _colour_bar(figure: Any, shown: Any, row: list[Any], label: str) -> None:
    bar = figure.colorbar(shown, ax=row, fraction=0.05, aspect=15)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
