"""How Sphinx builds the site of these pages: `make docs`. Nothing is fetched from the network."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # notebook_parser

project = "Groundling"
author = "the authors of Groundling"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "notebook_parser"]
source_suffix = {".md": "markdown", ".ipynb": "notebook"}
exclude_patterns = ["_build"]
root_doc = "index"
html_theme = "furo"
html_title = "Groundling"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
highlight_language = "text"

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "attrs_inline"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
maximum_signature_line_length = 90
python_use_unqualified_type_names = True
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Source"]

# Pages that show a file that stands elsewhere, since that is where it is looked for in the repository.
ELSEWHERE = {
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "results": "benchmarks/README.md",
    "tried": "benchmarks/TRIED.md",
}
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
ROOT = Path(__file__).resolve().parents[1]


def show_files(app: Any, name: str, source: list[str]) -> None:
    """Put the files of :data:`ELSEWHERE` in the place of their pages, and let all links to them lead there."""
    file = ROOT / ELSEWHERE.get(name, f"docs/{name}.md")
    if name in ELSEWHERE:
        app.env.note_dependency(str(file))
        source[0] = file.read_text()

    def led(found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        if "://" in target:
            return found[0]
        where = (file.parent / target).resolve()
        if where.is_dir():  # nothing that a site can show
            return "]()"
        if where.suffix == ".md" and where.is_relative_to(ROOT):
            pages = {ROOT / other: f"{page}.md" for page, other in ELSEWHERE.items()} | {ROOT / "README.md": "index.md"}
            return f"]({pages.get(where) or os.path.relpath(where, ROOT / 'docs' / Path(name).parent)}{anchor})"
        return f"]({os.path.relpath(where, ROOT / 'docs' / Path(name).parent)}{anchor})"

    # A pattern of a table of contents whose pages are not here (yet) is no mistake.
    patterns = re.findall(r"^[\w/]+\*$", source[0], re.MULTILINE)
    for pattern in [pattern for pattern in patterns if not list((ROOT / "docs").glob(pattern))]:
        source[0] = source[0].replace(f"\n{pattern}\n", "\n")
    source[0] = LINK.sub(led, source[0])
    source[0] = re.sub(r"\[([^\]]+)\]\(\)", r"\1", source[0])


def set_headings(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings of environments have Gymnasium's headings, which reStructuredText does not know."""
    told = [part for line in lines for part in (["", f"**{line[3:]}**", ""] if line.startswith("## ") else [line])]
    lines[:] = told


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", show_files)
    app.connect("autodoc-process-docstring", set_headings, priority=100)  # before Napoleon reads them
