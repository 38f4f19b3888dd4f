"""Registries: what installed packages offer is found when it comes, and searched for once."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from groundling.errors import ConfigurationError, ExtensionError
from groundling.registry import Registry

GROUP = "groundling.tests"


def make_registry() -> Registry[Any]:
    return Registry("thing", {"path": "pathlib:Path"}, entry_points=GROUP)


def install(folder: Path, **entries: str) -> None:
    """A distribution with these entry points, as an installer leaves it in a folder."""
    info = folder / "things-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: things\nVersion: 1.0\n")
    lines = [f"{name} = {place}\n" for name, place in entries.items()]
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{''.join(lines)}")


def test_package_in_a_folder_that_is_added_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    things = make_registry()
    assert things.names() == ("path",)
    with pytest.raises(ConfigurationError, match=r"no thing 'decoder': choose one of path \("):
        things.find("decoder")
    install(tmp_path, decoder="json:JSONDecoder", broken="json:Missing")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert things.names() == ("path", "decoder", "broken")
    assert things.find("decoder").__name__ == "JSONDecoder"
    with pytest.raises(ExtensionError, match="the thing 'broken' of an installed package"):
        things.find("broken")


def test_folders_are_searched_once_for_many_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, decoder="json:JSONDecoder")
    monkeypatch.syspath_prepend(str(tmp_path))
    searches: list[dict[str, Any]] = []
    original = importlib.metadata.entry_points

    def search(**parameters: Any) -> Any:
        searches.append(parameters)
        return original(**parameters)

    monkeypatch.setattr(importlib.metadata, "entry_points", search)
    things = make_registry()
    for _ in range(5):
        assert things.names() == ("path", "decoder")
        assert things.find("decoder")
    assert searches == [{"group": GROUP}]
