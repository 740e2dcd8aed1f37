"""report.html: one file that needs no network, the paper's figures beside ours."""

import base64
import html
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

import specframe
from paper_parts.section import Section
from specframe.training import write_atomically

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1f2937 }
table { border-collapse: collapse; font-size: .85rem } td, th { padding: .15rem .6rem; text-align: left }
tr:nth-child(even) { background: #f3f4f6 } th { border-bottom: 1px solid #9ca3af }
.pair { display: grid; grid-template-columns: 18rem 1fr; gap: 2rem } img { max-width: 100% }
.printed { border-left: 4px solid #9ca3af; padding-left: 1rem } code { font-size: .8rem }
.rows { max-height: 24rem; overflow: auto } @media (max-width: 50rem) { .pair { display: block } }
@media print { .rows { max-height: none } }
"""


def machine() -> str:
    """What ran it, in a sentence."""
    return (
        f"specframe {specframe.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {version('scipy')}, {platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    )


def write(path: Path, sections: Sequence[Section], arguments: Sequence[str], size: str) -> Path:
    """The page of these sections; `size` says how large the runs were."""
    command = html.escape(" ".join(["python examples/paper.py", *arguments]))
    body = "\n".join(section_html(section) for section in sections)
    text = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>SpecNet: the paper and what came out here</title><style>{STYLE}</style>
<h1>SpecNet: the paper and what came out here</h1>
<p>Size of the runs: {html.escape(size)}<br><code>{command}</code><br>{html.escape(machine())}</p>
{body}
</html>
"""
    write_atomically(path, lambda file: file.write(text.encode()))
    return path


def section_html(section: Section) -> str:
    printed = "".join(f"<p>{html.escape(line)}</p>" for line in section.printed)
    notes = "".join(f"<p><small>{html.escape(note)}</small></p>" for note in section.notes)
    picture = image(section.picture, section.title) if section.picture else ""
    return (
        f'<h2>{html.escape(section.title)}</h2><div class="pair"><div class="printed"><h3>As printed</h3>{printed}'
        f"</div><div><h3>Here</h3>{picture}"
        f'<div class="rows">{table(section.head, section.rows)}</div>{notes}</div></div>'
    )


def image(path: Path, title: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Sequence[object], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"
