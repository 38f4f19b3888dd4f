"""``groundling exact``: what it prints of a small episode, the figure, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundling.cli import main
from groundling.envs import EpisodeBank
from groundling.exact import enumerate_episode, value_iteration
from groundling.exact.figure import value_figure
from groundling.exact.value_map import value_maps


def test_values_policy_and_learning_are_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "maps" / "map.png"
    words = ["exact", "BabyAI-GoToLocalS5N2-v0", "--seed", "3", "--figure", str(path), "--learn", "q_learning"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "go to the purple key" in told
    assert "240 states, 7 actions" in told
    assert "V* of the first state 0.8145" in told  # .95 ** 4
    assert "5 steps to go; the environment pays at most 0.8200 in 25 steps" in told
    assert "█ →*→*→*█" in told
    assert "0.8145 of 0.8145" in told
    assert path.read_bytes().startswith(b"\x89PNG")


def test_few_episodes_are_learned_from_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["exact", "BabyAI-GoToLocalS5N2-v0", "--seed", "3", "--figure", "", "--learn", "sarsa"]
    assert main([*words, "--episodes", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[0] == "3"


def test_map_for_each_order_of_things_on_the_way() -> None:
    mdp = enumerate_episode(EpisodeBank.of_seeds("BabyAI-UnlockLocal-v0", [3]))
    solved = value_iteration(mdp, 0.95)
    maps = value_maps(mdp, solved.value, solved.actions)
    assert [each.reaches for each in maps] == [False, True]
    assert sum(len(each.way) for each in maps) == 18
    assert "P*" in maps[0].text()
    assert "T*" in maps[1].text()
    assert maps[0].value[maps[0].direction >= 0].min() > 0
    assert len(value_figure(mdp, maps).axes) == 3  # and the scale


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["BabyAI-BossLevel-v0", "--most-states", "500"], "or a larger most_states"),
        (["BabyAI-GoToObj-v0", "--gamma", "1"], "below 1"),
        (["BabyAI-GoToObj-v0", "--most-states", "0"], "most_states must be at least 1"),
        (["BabyAI-GoToObj-v0", "--learn", "sarsa", "--episodes", "0"], "episodes must be at least 1"),
        (["no-such-task"], "no-such-task"),
        (["groundling/RTFM-Simple-6x6-v0"], "stand in no bank, its simulator makes them: choose"),
        (["groundling/GroundedRoom-Easy-v0"], "driven through by a rover"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["exact", *words]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())
