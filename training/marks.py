"""What the picture of a graph is made of: boxes, lines, words, as pieces of SVG, and the words themselves."""

import re
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from specframe.training.graph import Kept, Step, Value

CHARACTER, LINE = 6.7, 15  # width and height of a line of text, pixels
PADDING = 10  # inside a box

STYLE = """
:root { --ground: #fdfdfc; --band: #f1f1ee; --box: #fff; --ink: #1c1d21; --soft: #62656d; --line: #b4b6bd;
        --kept: #c2410c; --again: #1d4ed8; }
@media (prefers-color-scheme: dark) { :root { --ground: #17181c; --band: #202227; --box: #2a2d34; --ink: #ececee;
        --soft: #a3a7b0; --line: #5d616b; --kept: #fb923c; --again: #93b4ff; } }
text { font: 11px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--soft); }
.value text { paint-order: stroke; stroke: var(--ground); stroke-width: 5px; stroke-linejoin: round; }
.title, .name { font-weight: 600; fill: var(--ink); } .title { font-size: 14px; } .name { font-size: 12px; }
.ground { fill: var(--ground); } .band { fill: var(--band); } .layer { fill: var(--soft); }
.box { fill: var(--box); stroke: var(--line); } .line { fill: none; stroke: var(--line); stroke-width: 1.2; }
.held .line { stroke: var(--kept); } .held .kept, .op .kept, .key.held { fill: var(--kept); }
.remade .line { stroke: var(--again); stroke-width: 1.8; stroke-dasharray: 5 4; }
.remade .kept, .key.remade { fill: var(--again); }
"""

LEGEND = (
    '<text x="20" y="54"><tspan class="key held">thick: kept, as thick as its share</tspan>   '
    '<tspan class="key remade">dashed: computed again</tspan>   thin: not kept</text>'
)


class Row(NamedTuple):
    """A box: an op, or a value from outside that is drawn as one. The lane is the column that it stands in."""

    step: Step | None
    value: Value  # what comes out of it
    ports: list[Value]  # the inputs that lines lead from
    lines: list[tuple[str, str]]  # (class, text) inside
    lane: int = 0


def height(row: Row) -> int:
    """Of a box."""
    return 2 * PADDING + LINE * len(row.lines) - 4


def bands(rows: list[Row], tops: list[float], width: float) -> list[str]:
    """A shade behind the ops of each layer, with its name."""
    found: list[str] = []
    start = 0
    for i in range(1, len(rows) + 1):
        if i == len(rows) or _layer(rows[i]) != _layer(rows[start]):
            name = _layer(rows[start])
            if name:
                y, end = tops[start] - 10, tops[i - 1] + height(rows[i - 1]) + 10
                found.append(f'<rect class="band" x="10" y="{y:.0f}" width="{width - 20:.0f}" height="{end - y:.0f}" '
                             f'rx="8"/><text class="layer" x="20" y="{y + 27:.0f}">{safe(name)}</text>')  # fmt: skip
            start = i
    return found


def _layer(row: Row) -> str:
    return row.step.layer if row.step else ""


def box(row: Row, x: float, y: float, width: float) -> str:
    """An op with what it lists, or a value from outside."""
    lines = "".join(
        f'<text class="{kind}" x="{x + PADDING:.0f}" y="{y + PADDING + 8 + LINE * i:.0f}">{safe(text)}</text>'
        for i, (kind, text) in enumerate(row.lines)
    )
    rect = f'<rect class="box" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height(row)}" rx="6"/>'
    if row.step is None:
        return f'<g class="outside">{rect}{lines}</g>'
    data = f'class="op" data-op={_quoted(row.step.op)} data-layer={_quoted(row.step.layer)}'
    return f"<g {data}>{rect}{lines}{''.join(map(_data, row.step.own))}</g>"


def line(value: Value, total: int, start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the box that made a value straight down to just above the one that reads it, and across."""
    share = value.kept.nbytes / total if value.kept and value.kept.nbytes else 0
    thick = f' style="stroke-width: {1.5 + 10.5 * share**0.5:.1f}"' if share else ""
    (x, y), (port, top) = start, end
    path = f"M {x:.0f} {y:.0f} V {top - 24:.0f} C {x:.0f} {top - 8:.0f} {port:.0f} {top - 16:.0f} {port:.0f} {top:.0f}"
    return f'<g class="value {_state(value)}"><path class="line"{thick} d="{path}"/></g>'


def words(value: Value, label: list[str], start: tuple[float, float]) -> str:
    """What is said of a value, beside the start of its line."""
    x, y = start[0] + 12, start[1] + 16
    lines = [
        f'<text class="{"kept" if i == 1 else "fact"}" x="{x:.0f}" y="{y + 14 * i:.0f}">{safe(text)}</text>'
        for i, text in enumerate(label)
    ]
    return f'<g class="value {_state(value)}">{"".join(lines)}{_data(value.kept) if value.kept else ""}</g>'


def _data(kept: Kept) -> str:
    """What a program reads, and a pointer shows: the exact number."""
    return f'<desc data-bytes="{kept.nbytes}">{safe(f"{kept.name}: {kept.nbytes:,} bytes, {kept.format}")}</desc>'


def _state(value: Value) -> str:
    if value.kept is None:
        return "dropped"
    return "remade" if value.kept.made_by else "held" if value.kept.nbytes or value.kept.moved else "borrowed"


def label(value: Value) -> list[str]:
    """What is said of a value: shape and dtype, what is kept of it, the norm of its gradient."""
    lines = [f"{_shape(value.shape)}  {value.dtype}", kept(value.kept) if value.kept else "not kept"]
    return lines if value.norm is None else [*lines, f"gradient {value.norm:.3g}"]


def weight(name: str, value: Value) -> str:
    """The line of a weight in the box of its op."""
    gradient = "" if value.norm is None else f"  gradient {value.norm:.3g}"
    return f"{name}  {_shape(value.shape)}{gradient}"


def kept(saved: Kept) -> str:
    """What is kept of a value, in a few words."""
    if saved.made_by:
        return f"computed again by {saved.made_by}"
    if saved.moved:
        return f"{count(saved.moved)} moved out, {saved.format}"
    if not saved.nbytes:
        return "lives anyway"
    density = "" if saved.density in (None, 1) else f", {100 * saved.density:.3g} % nonzero"
    return f"{count(saved.nbytes)} {saved.format}{density}"


def count(nbytes: int) -> str:
    """Bytes as people read them.

    >>> count(999), count(183_204), count(25_000_000)
    ('999 B', '183 kB', '25.0 MB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if nbytes >= size:
            number = nbytes / size
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.1f} {unit}"
    return f"{nbytes} B"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters that no XML file may hold


def safe(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", text))


def page(title: str, width: float, depth: float, parts: list[str]) -> str:
    """The whole file."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {depth:.0f}" width="{width:.0f}" '
        f'height="{depth:.0f}" role="img" aria-label={_quoted(title)}>\n<title>{safe(title)}</title>\n'
        f'<style>{STYLE}</style>\n<rect class="ground" width="100%" height="100%"/>\n'
        f'<text class="title" x="20" y="32">{safe(title)}</text>\n{LEGEND}\n' + "\n".join(parts) + "\n</svg>\n"
    )
