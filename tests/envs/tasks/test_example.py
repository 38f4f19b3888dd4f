"""The example of the tutorial is what the tutorial says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from groundling.agents.bots import unsolved_seeds
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.families.own.registered import find_task
from groundling.envs.worlds import contract

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "add_a_task.py"
OWN_KINDS = ROOT / "examples" / "own_kinds.py"
TUTORIAL = (ROOT / "docs" / "add_a_task.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)


def test_example_is_short_and_shown_whole():
    assert len(EXAMPLE.read_text().splitlines()) <= 40
    assert BLOCKS[0] == EXAMPLE.read_text()


def test_example_of_own_kinds_is_shown_whole_and_keeps_the_contract():
    assert len(OWN_KINDS.read_text().splitlines()) <= 50
    assert BLOCKS[2] == OWN_KINDS.read_text()
    source = find_task(f"{OWN_KINDS}:GatherMushrooms")
    contract.check(source)
    contract.check_marginals(source, without={"object tile"})
    assert not unsolved_seeds(EpisodeBank.of_seeds(source.id, range(50)))
    words = {word for seed in range(100) for word in source.sample(seed).instruction.split()}
    assert words == set(["pick", "up", "the", "red", "teal", "ball", "mushroom", "by", "wall", "in", "middle"])


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_example_of_own_kinds_is_played_by_both_bodies(body):
    envs = make_vec(f"{OWN_KINDS}:GatherMushrooms", 4, bank_size=20, body=body, top_down_pixels=12, progress=False)
    observation, _ = envs.reset(seed=0)
    assert envs.observation_space.contains(observation)
    assert (0, 128, 128) in {tuple(pixel) for pixel in observation["top_down"].reshape(-1, 3)}


def test_example_keeps_the_contract():
    source = find_task(f"{EXAMPLE}:FetchFromShelf")
    assert source.id == "examples/FetchFromShelf-v0"
    contract.check(source)


@pytest.mark.parametrize("number", [3, 4, 5])
def test_tutorial_checks_run(monkeypatch, number):
    monkeypatch.chdir(ROOT)
    exec(BLOCKS[number], {"__name__": "__main__"})


def test_task_of_the_tutorial_with_a_manual_is_played_and_tested_as_it_says():
    names = {"__name__": "__main__"}
    exec(BLOCKS[4], names)
    family = find_family_of(names["BringPlim"])
    assert tuple(family.suites) == ("layout", "phrasing")
    envs = make_vec(family.source, 8, bank_size=20, cache=False, progress=False)
    observation, _ = envs.reset()
    assert observation["manual"].shape == (8, 2, 8)
    for manual, instruction in zip(envs.manuals, envs.instructions, strict=True):
        assert sum(instruction.rpartition(" ")[2] in sentence for sentence in manual) == 1
    bank = family.suite_bank("phrasing", None, 10, 0, progress=False)
    assert all(sentence.startswith("they call the") for row in range(10) for sentence in bank.manual(row))


def find_family_of(task):
    from groundling.envs.families.own.group import GROUP

    return GROUP.wrap(task, "tutorial:BringPlim")


def test_tutorial_names_words_that_are_refused_as_it_says():
    from groundling.errors import ConfigurationError
    from groundling.language import Lexicon, OwnType

    assert len(BLOCKS) == 6
    with pytest.raises(ConfigurationError, match="'mug' stands for 'cup'"):
        Lexicon((OwnType("mug"),))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"world\.(\w+)\(", TUTORIAL))))
def test_tutorial_names_what_a_world_has(name):
    from groundling.envs import WorldBuilder

    assert callable(getattr(WorldBuilder, name))


@pytest.mark.parametrize("seed", range(20))
def test_wares_lie_on_the_shelf(seed):
    episode = find_task(f"{EXAMPLE}:FetchFromShelf").sample(seed)
    assert {position // 6 for position in episode.positions} == {1}
    assert len(set(episode.looks)) == 4
