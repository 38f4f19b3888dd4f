"""What the package says of itself: its requirements, its extras, how it is cited, and the check of its wheel."""

from __future__ import annotations

import importlib.util
import re
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    """The script that CI looks into the wheel with."""
    spec = importlib.util.spec_from_file_location("check_distribution", ROOT / ".ci/check_distribution.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def test_tested_versions_are_at_least_those_that_are_required() -> None:
    tested = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    tested = {name.lower().replace("_", "-"): version for name, version in tested.items()}
    for requirement in PROJECT["dependencies"]:
        name, least = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement).groups()  # type: ignore[union-attr]
        if name in tested:  # opencv is named by its headless build
            assert parts(tested[name]) >= parts(least), requirement


def test_every_extra_that_a_message_or_page_names_is_one() -> None:
    pages = [*(ROOT / "groundling").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    named = {
        extra.strip()
        for page in pages
        for found in re.findall(r"groundling\[([\w, -]+)\]", page.read_text())
        for extra in found.split(",")
    }
    assert {"hub", "wandb", "sb3"} <= named
    assert named <= set(PROJECT["optional-dependencies"])


def test_citation_is_of_this_version() -> None:
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert (cited["version"], cited["license"]) == (PROJECT["version"], PROJECT["license"])
    assert PROJECT["description"].lower() in cited["title"].lower()
    assert cited["authors"]
    assert {"message", "type", "abstract", "references"} <= set(cited)


def test_check_of_the_wheel_finds_what_lacks_and_what_is_too_much(check: ModuleType, tmp_path: Path) -> None:
    package = [p for p in (ROOT / "groundling").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    names = [str(path.relative_to(ROOT)) for path in package]
    wheel = tmp_path / "groundling-0-py3-none-any.whl"

    def faults(names: list[str], required: str) -> list[str]:
        with zipfile.ZipFile(wheel, "w") as file:
            for name in names:
                file.writestr(name, "")
            file.writestr("groundling-0.dist-info/METADATA", f"Name: groundling\nRequires-Dist: {required}\n")
        return check.wheel_faults(wheel)

    assert faults(names, "numpy>=2.0") == []
    assert faults([*names, "tests/test_x.py"], "numpy>=2.0") == ["the wheel has tests/test_x.py"]
    without = [name for name in names if not name.endswith("py.typed")]
    assert faults(without, "numpy>=2.0") == [
        "the wheel lacks groundling/py.typed",
        "the wheel has no groundling/py.typed",
    ]
    assert "lower bound" in faults(names, "numpy")[0]
    assert "upper bound" in faults(names, "numpy>=2.0,<3")[0]
    assert faults(names, "numpy<3; extra == 'x'") == [], "an extra may say what it likes"
