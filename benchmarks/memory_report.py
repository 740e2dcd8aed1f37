"""Tables and the plot of benchmarks/memory.py."""

import statistics

from specframe.training import plots, write_atomically

HEAD = ("strategy", "saved, MB", "highest, MB", "moved, MB", "ratio", "peak, MB", "step, ms", "x dense", "packing, %",
        "unpacking, %", "cosine")  # fmt: skip
PAPER = """Relative memory in the paper's Table 2, as printed, from other systems:

| | VGG | DenseNet |
|---|---|---|
| InPlace-ABN | 0.52 | 0.58 |
| Chen Meng et al. | 0.65 | 0.55 |
| Memory-Efficient DenseNets | - | 0.44 |
| vDNN | 0.38 | 0.39 |
| SpecNet | 0.37 | 0.37 |"""


def table(net, results):
    """Markdown; also adds "ratio", "seconds" and "slowdown" to each result."""
    complete(results)
    lines = [f"### {net}", "", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    for name, result in results.items():
        if "refused" not in result:
            lines.append(f"| {' | '.join(row(name, result))} |")
    lines += [f"\n{name} is left out: {result['refused']}" for name, result in results.items() if "refused" in result]
    return "\n".join(lines)


def complete(results):
    plain, dense = results.get("torch", {}).get("saved"), results.get("dense", {}).get("turns")
    for result in results.values():  # without rounds, nothing was timed
        result |= {key: None for key in ("turns", "packing", "unpacking") if key not in result}
    for result in results.values():
        if "refused" in result:
            continue
        result["ratio"] = result["highest"] / plain if plain else None
        result["seconds"] = result["turns"] and statistics.median(result["turns"])
        result["slowdown"] = dense and statistics.median(a / b for a, b in zip(result["turns"], dense, strict=True))


def row(name, result):
    def shown(key, form, factor=1):
        value = result[key]
        return "-" if value is None else format(factor * value, form)

    return (
        name, shown("saved", ".2f", 1e-6), shown("highest", ".2f", 1e-6), shown("moved", ".2f", 1e-6),
        shown("ratio", ".3f"), shown("peak", ".1f", 1e-6), shown("seconds", ".1f", 1e3), shown("slowdown", ".2f"),
        shown("packing", ".1f", 100), shown("unpacking", ".1f", 100), shown("cosine", ".5f"),
    )  # fmt: skip


def colour(name):
    """Of a strategy's point: PyTorch, a spectral net, a spatial one."""
    if name.startswith("torch"):
        return "#15803d"
    return plots.COLOURS["spectral" if "spec" in name.split("+") else "spatial"]


def plot(path, results):
    """Bytes against time, a panel a net; returns the path, or None without matplotlib or without ratios."""
    nets = {net: {name: r for name, r in rows.items() if r.get("ratio") and r.get("slowdown")}
            for net, rows in results.items()}  # fmt: skip
    nets = {net: rows for net, rows in nets.items() if rows}
    if not nets or not plots.available():
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=150, figsize=(6.5 * len(nets), 5))
    FigureCanvasAgg(figure)
    for axes, (net, rows) in zip(figure.subplots(1, len(nets), squeeze=False)[0], nets.items(), strict=True):
        for name, result in rows.items():
            axes.plot(result["ratio"], result["slowdown"], "o", color=colour(name), ms=5)
            axes.annotate(name, (result["ratio"], result["slowdown"]), (4, 3), textcoords="offset points", fontsize=7)
        axes.set(xlabel="highest saved bytes / PyTorch's plain net", ylabel="time of a step / dense", title=net)
        axes.set(xscale="log", ylim=(0, None))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    write_atomically(path, lambda file: figure.savefig(file, format="png"))
    return path
