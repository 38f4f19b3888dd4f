"""The site of docs/: every page stands in its table of contents, every public name in the API, and it builds."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MODULES = re.compile(r"^\.\. automodule:: (\S+)$", re.MULTILINE)


def contents(page: str) -> list[str]:
    """The lines of the tables of contents of a page."""
    tables = re.findall(r"^```\{toctree\}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for table in tables for line in table.splitlines() if line and not line.startswith(":")]
    return [re.sub(r"^.*<(.*)>$", r"\1", line) for line in lines]


def test_every_page_stands_in_one_table_of_contents() -> None:
    listed = [page for line in contents("index.md") for page in sorted(DOCS.glob(f"{line}.md"))]
    listed += [page for line in contents("index.md") for page in sorted(DOCS.glob(f"{line}.ipynb"))]
    there = {path for path in DOCS.glob("*.md") if path.name != "index.md"} | set(DOCS.glob("notebooks/*.ipynb"))
    assert set(listed) == there
    assert len(listed) == len(set(listed))


def test_public_names_stand_in_the_api() -> None:
    shown = {name for page in DOCS.glob("api/*.md") for name in MODULES.findall(page.read_text())}
    faces = (
        "groundling",
        *(f"groundling.{room}" for room in ("envs", "language", "agents", "training", "eval", "exact")),
    )
    assert {*faces, "groundling.interfaces", "groundling.errors", "groundling.sb3"} <= shown
    for name in faces:
        assert import_module(name).__all__


@pytest.mark.slow
def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("furo", reason="needs pip install 'groundling[docs]'")
    told = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*told, "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "results.html").read_text()
    assert "python benchmarks/parity.py" in re.sub("<[^>]+>", "", page)
    built = "".join(path.read_text() for path in (tmp_path / "html").rglob("*.html"))
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', built), "the site fetches something"
