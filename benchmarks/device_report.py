"""The tables of benchmarks/device.py, in Markdown."""

ORDER = (
    "milliseconds", "images", "seconds", "saved", "peak", "passed", "failed", "skipped", "failures", "data", "spectral",
    "spatial", "cut", "error", "date",
)  # fmt: skip
RATIOS = (  # of two steps: what of them, the other, and what the ratio should not exceed
    ("milliseconds", "SpecVGG16, specframe", "VGG16, torch fp32", 2.0),
    ("milliseconds", "SpecLeNet5, specframe", "SpecLeNet5, torch fp32", 1.5),
    ("milliseconds", "VGG16, specframe", "VGG16, torch fp32", None),
    ("milliseconds", "LeNet5, specframe", "LeNet5, torch fp32", None),
    ("peak", "SpecLeNet5, specframe", "SpecLeNet5, specframe, cpu", 1.2),
)


def report(results):
    """The text, from what device.json holds."""
    card, options = results["card"], results["options"]
    lines = [f"# {card['name']}", "", ", ".join(f"{name} {value}" for name, value in card.items()), ""]
    lines += [f"Width {options['width']:g}, {options['batch']} images a step. Saved and peak in bytes.", ""]
    for part, rows in results["parts"].items():
        columns = sorted({name for row in rows.values() for name in row}, key=ORDER.index)
        lines += [
            f"## {part}",
            "",
            *table(columns, {name: [row.get(c) for c in columns] for name, row in rows.items()}),
        ]
    steps = results["parts"].get("steps", {})
    ratios = {
        f"{what}, {one} / {other}": [steps[one][what] / steps[other][what], bar]
        for what, one, other, bar in RATIOS
        if steps.get(one, {}).get(what) and steps.get(other, {}).get(what)
    }
    return "\n".join([*lines, *(["## ratios", "", *table(["ratio", "bar"], ratios)] if ratios else [])])


def table(columns, rows):
    """The lines of a table of {name: cells}, and an empty one."""
    lines = [f"| {' | '.join([name, *map(cell, cells)])} |" for name, cells in rows.items()]
    return [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|", *lines, ""]


def cell(value):
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    if isinstance(value, list):
        return " ".join(value) or "none"
    text = f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "/").strip()
