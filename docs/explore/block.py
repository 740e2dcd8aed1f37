"""Draw docs/images/block.svg: a spectral block, forward and backward, with the arrays of a real digit.

    python docs/explore/block.py

Magnitudes are shown as log(1 + |.|), each gradient by its own largest.
"""

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from block_arrays import N, arrays

from specframe.training import write_atomically

OUT = Path(__file__).parent.parent / "images" / "block.svg"
Q, BIN = N // 2 + 1, 5  # columns of a half spectrum; pixels an entry
INK, SOFT, ACCENT, DROPPED = "#1d1e22", "#5f626a", "#b93b0a", (220, 221, 225)
MAGNITUDE = np.array([(250, 249, 246), (245, 205, 148), (221, 107, 48), (110, 20, 40)])
GREYS = np.array([(0, 0, 0), (255, 255, 255)])
MINUS = "\N{MINUS SIGN}"
SIGNED = np.array([(29, 92, 160), (250, 249, 246), (178, 52, 8)])


# ---- pictures ------------------------------------------------------------------------------------------------------


def colour(t: Any, stops: Any) -> Any:
    """t in [0, 1], any shape, along a list of colours: (..., 3) bytes."""
    at = np.clip(t, 0, 1) * (len(stops) - 1)
    low = np.minimum(at.astype(int), len(stops) - 2)
    mixed = stops[low] + (stops[low + 1] - stops[low]) * (at - low)[..., None]
    return np.round(mixed).astype(np.uint8)


def spectrum_picture(Z: Any, top: float | None, dropped: bool = False) -> Any:
    """A half spectrum, row -N/2 on top; where `dropped`, zeros are grey. `top` None stretches it to 20."""
    Z = np.fft.fftshift(Z, axes=0)
    if top is None:
        top = 20.0
        Z = Z * (top / abs(Z).max())
    pixels = colour(np.log1p(abs(Z)) / np.log1p(top), MAGNITUDE)
    if dropped:
        pixels[Z == 0] = DROPPED
    return pixels


def map_picture(y: Any) -> Any:
    """A map in space, zero in the middle of the colours."""
    return colour(0.5 + y / (2 * abs(y).max()), SIGNED)


def png(pixels: Any) -> str:
    """(rows, cols, 3) bytes as a PNG that is not compressed, in base64: the same bytes from every zlib."""
    rows, cols, _ = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    chunks = (
        (b"IHDR", struct.pack(">2I5B", cols, rows, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines, 0)),
        (b"IEND", b""),
    )
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def image(pixels: Any, x: float, y: float, scale: float = BIN) -> str:
    rows, cols, _ = pixels.shape
    place = f'x="{x:g}" y="{y:g}" width="{cols * scale:g}" height="{rows * scale:g}"'
    source = f'preserveAspectRatio="none" href="data:image/png;base64,{png(pixels)}"'
    return f'<image {place} {source}/><rect class="edge" {place}/>'


def words(x: float, y: float, text: str, kind: str = "soft", anchor: str = "middle") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>'


def arrow(x: float, y: float, to: float, above: str, below: str = "") -> str:
    line = f'<path class="arrow" marker-end="url(#head)" d="M {x:g} {y:g} H {to:g}"/>'
    middle = (x + to) / 2
    return line + words(middle, y - 9, above, "op") + (words(middle, y + 19, below) if below else "")


# ---- the figure ----------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, FIRST, SECOND = 1190, 630, 120, 370  # the tops of the two rows of arrays
GAPS = {"X": 100, "Y": 128, "T": 92, "Z": 136, "y": 84}  # before each array
STYLE = f"""
text {{ font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: {SOFT}; }}
.name {{ font: italic 600 17px Georgia, "Times New Roman", serif; fill: {INK}; }}
.op {{ fill: {INK}; }} .title {{ font-size: 14px; font-weight: 600; fill: {INK}; }} .tick {{ font-size: 10px; }}
.stored {{ fill: {ACCENT}; font-weight: 600; }} .edge {{ fill: none; stroke: #cfcdc6; }}
.frame {{ fill: none; stroke: {ACCENT}; stroke-width: 2.5; }} image {{ image-rendering: pixelated; }}
.arrow {{ fill: none; stroke: {INK}; stroke-width: 1.3; }} .zero {{ stroke: #0284c7; stroke-width: 1.5; }}
.reads {{ fill: none; stroke: {ACCENT}; stroke-width: 1.3; stroke-dasharray: 4 3; }}
"""
HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    f'<path d="M 0 0 L 8 4 L 0 8 z" fill="{INK}"/></marker></defs>'
)


def _columns() -> dict[str, tuple[float, float]]:
    """(left, width) of each column."""
    found, x = {}, 40.0
    for name in ("x", "X", "Y", "T", "Z", "y"):
        x += GAPS.get(name, 0)
        width = BIN * (N if name in "xy" else Q)
        found[name] = x, width
        x += width
    return found


COLUMNS, TALL = _columns(), BIN * N
SHOWN = {"T": "Ŷ"}
DROPS = ("T", "Z", "gY")  # arrays whose zeros are what the threshold dropped


def zero_mark(x: float, y: float) -> str:
    """+ at frequency zero of a spectrum whose corner is at (x, y)."""
    cx, cy = x + BIN / 2, y + BIN * (N / 2 + 0.5)
    return f'<path class="zero" d="M {cx - 5:g} {cy:g} H {cx + 5:g} M {cx:g} {cy - 5:g} V {cy + 5:g}"/>'


FORWARD = {
    ("x", "X"): ("rfft2", ""), ("X", "Y"): ("· K + b", "eq. (2)"), ("Y", "T"): ("|Y| &gt; β", "or 0"),
    ("T", "Z"): ("a tanh(Ŷ / a)", "Re and Im, eq. (5)"), ("Z", "y"): ("irfft2", ""),
}  # fmt: skip
BACKWARD = {
    ("x", "X"): ("irfft2", "of gX / m"), ("X", "Y"): ("· conj K", "eq. (3), six maps"), ("Y", "T"): ("Z ≠ 0", "or 0"),
    ("T", "Z"): (f"· (1 {MINUS} (Z / a)²)", "Re and Im, eq. (9)"), ("Z", "y"): ("m rfft2", ""),
}  # fmt: skip


def between(left: str, right: str) -> tuple[float, float]:
    """Where the arrow between two columns starts and ends; the rows' numbers stand before X."""
    x, width = COLUMNS[left]
    return x + width + 8, COLUMNS[right][0] - (26 if right == "X" else 8)


def row(a: dict[str, Any], y: float, prefix: str, top: float | None) -> list[str]:
    """The arrays of one direction, with their names and the frequencies beside X; `top` None: each by its largest."""
    parts = []
    for name, (x, width) in COLUMNS.items():
        array = a[prefix + name]
        parts.append(words(x + width / 2, y - 9, prefix + SHOWN.get(name, name), "name"))
        if prefix + name == "x":
            parts.append(image(colour(array, GREYS), x, y))
        elif name in "xy":
            parts.append(image(map_picture(array), x, y))
        else:
            parts += [image(spectrum_picture(array, top, prefix + name in DROPS), x, y), zero_mark(x, y)]
    x, width = COLUMNS["X"]
    parts += [
        words(x - 4, y + 8 + share * (TALL - 9), tick, "tick", "end")
        for share, tick in ((0, f"{MINUS}14"), (0.5, "0"), (1, "13"))
    ]
    return [*parts, words(x + 3, y + TALL + 12, "0", "tick"), words(x + width - 4, y + TALL + 12, "14", "tick")]


def stored(Z: Any) -> list[str]:
    """The frame around Z, and which steps of the backward read it."""
    x, width = COLUMNS["Z"]
    middle, under = x + width / 2, FIRST + TALL
    parts = [
        f'<rect class="frame" x="{x - 2:g}" y="{FIRST - 2}" width="{width + 4:g}" height="{TALL + 4}"/>',
        words(middle, under + 20, "stored", "stored"),
        words(middle, under + 36, f"{np.count_nonzero(Z)} of {Z.size} entries", "stored"),
    ]
    for pair in (("T", "Z"), ("Y", "T")):
        path = f"M {middle:g} {under + 44} V {SECOND - 46} H {sum(between(*pair)) / 2:g} V {SECOND + TALL / 2 - 26:g}"
        parts.append(f'<path class="reads" marker-end="url(#head)" d="{path}"/>')
    return parts


def draw() -> str:
    """The figure."""
    a, middle = arrays(), sum(between("X", "Y")) / 2
    top = max(abs(a[name]).max() for name in "XKYZ")
    parts = [
        words(40, 34, "A spectral block: forward", "title", "start"),
        words(40, SECOND - 34, "and backward", "title", "start"),
    ]
    parts += row(a, FIRST, "", top) + row(a, SECOND, "g", None)
    for pair, texts in FORWARD.items():
        parts.append(arrow(between(*pair)[0], FIRST + TALL / 2, between(*pair)[1], *texts))
    for pair, texts in BACKWARD.items():
        parts.append(arrow(between(*pair)[1], SECOND + TALL / 2, between(*pair)[0], *texts))
    for name, y, high in (("K", FIRST - 34, top), ("gK", SECOND + TALL / 2 + 34, None)):
        parts += [
            image(spectrum_picture(a[name], high), middle - Q, y, 2),
            words(middle - Q - 8, y + 32, name, "name", "end"),
        ]
    parts.append(words(middle, SECOND + TALL / 2 + 108, "conj X · gY, eq. (3)"))
    parts += stored(a["Z"]) + _bars(top, abs(a["y"]).max())
    text = "A spectral block, forward and backward, with the arrays of a real digit"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{text}">\n<title>{text}</title>\n<style>{STYLE}</style>\n{HEAD}\n'
        f'<rect width="100%" height="100%" fill="#fdfdfc"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _bars(top: float, high: float) -> list[str]:
    """The colours, and what they mean."""
    ramp, y = np.linspace(0, 1, 64)[None], HEIGHT - 34

    def bar(stops: Any, x: float) -> str:
        return image(colour(ramp, stops), x, y, 2).replace('height="2"', 'height="9"')

    def says(x: float, text: str) -> str:
        return words(x, y + 9, text, anchor="start")

    return [
        bar(MAGNITUDE, 40),
        says(178, f"spectra: log(1 + |·|), |·| from 0 to {top:.1f}; a gradient has its own largest"),
        image(np.full((1, 1, 3), DROPPED, np.uint8), 622, y, 9),
        says(638, "dropped"),
        bar(SIGNED, 730),
        says(868, f"y: {MINUS}{high:.1f} to {high:.1f}"),
        f'<path class="zero" d="M 1004 {y + 5} h 10 m -5 -5 v 10"/>',
        says(1020, "frequency zero"),
    ]


if __name__ == "__main__":
    write_atomically(OUT, lambda file: file.write(draw().encode()))
    print(OUT)
