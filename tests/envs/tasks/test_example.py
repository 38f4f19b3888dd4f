"""The example of the tutorial is what the tutorial says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from groundling.envs.families.own.registered import find_task
from groundling.envs.worlds import contract

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "add_a_task.py"
TUTORIAL = (ROOT / "docs" / "add_a_task.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)


def test_example_is_short_and_shown_whole():
    assert len(EXAMPLE.read_text().splitlines()) <= 40
    assert BLOCKS[0] == EXAMPLE.read_text()


def test_example_keeps_the_contract():
    source = find_task(f"{EXAMPLE}:FetchFromShelf")
    assert source.id == "examples/FetchFromShelf-v0"
    contract.check(source)


def test_tutorial_checks_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(BLOCKS[1], {})


@pytest.mark.parametrize("name", sorted(set(re.findall(r"world\.(\w+)\(", TUTORIAL))))
def test_tutorial_names_what_a_world_has(name):
    from groundling.envs import WorldBuilder

    assert callable(getattr(WorldBuilder, name))


@pytest.mark.parametrize("seed", range(20))
def test_wares_lie_on_the_shelf(seed):
    episode = find_task(f"{EXAMPLE}:FetchFromShelf").sample(seed)
    assert {position // 6 for position in episode.positions} == {1}
    assert len(set(episode.looks)) == 4
