"""The book: Sphinx reads the Markdown pages of this folder; `make docs` builds it, and a warning is an error.

No page asks the network for anything: KaTeX lies in _static/katex, and the theme brings its own files.
"""

import html

from docutils import nodes

import specframe

project, author, release = "specframe", "the authors of specframe", specframe.__version__
copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_static", "results"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nitpicky = True
keep_warnings = True

html_theme = "furo"
html_title = "specframe"
html_static_path = ["_static"]
html_extra_path = ["explore.html"]
html_css_files = ["katex/katex.min.css", "wide.css"]
html_js_files = ["katex/katex.min.js", "render.js"]
html_math_renderer = "vendored_katex"
html_show_sphinx = False

autodoc_typehints = "none"
autodoc_member_order = "bysource"


def as_laid_out(app, what, name, obj, options, lines):
    """Docstrings are laid out by hand, equations and tables included: show them as they stand."""
    if lines:
        lines[:] = ["::", "", *(f"   {line}" for line in lines), ""]


def inline_math(writer, node):
    writer.body.append(f'<span class="math">{html.escape(node.astext())}</span>')
    raise nodes.SkipNode


def display_math(writer, node):
    writer.body.append(f'<div class="math">{html.escape(node.astext())}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("vendored_katex", (inline_math, None), (display_math, None))
    app.connect("autodoc-process-docstring", as_laid_out)
