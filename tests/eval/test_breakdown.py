"""The breakdown: counts by hand, in the order of what fails most."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from groundling.envs.catalog import find_family
from groundling.errors import ConfigurationError
from groundling.eval.breakdown import MOST_ROWS, Group, break_down, breakdown_table
from groundling.eval.rollout import Outcome

GROUPS = find_family("BabyAI-GoToLocal-v0").groups
GO = "go to the red ball"
OPEN_AND_PICK = "open the blue door and pick up the red ball"
PICK_TWICE = "pick up the red ball, then pick up a key"
PUT_AFTER_OPEN = "put the red ball next to a key after you open the blue door and open a grey door"


def reached(instruction: str, steps: int = 4) -> Outcome:
    return Outcome(instruction, success=True, out_of_time=False, length=steps, episode_return=0.9)


def late(instruction: str, steps: int = 64) -> Outcome:
    return Outcome(instruction, success=False, out_of_time=True, length=steps, episode_return=0.0)


def wrong(instruction: str, steps: int = 2) -> Outcome:
    return Outcome(instruction, success=False, out_of_time=False, length=steps, episode_return=-0.2)


OUTCOMES = (
    *[reached(GO)] * 8,
    *[late(GO)] * 2,
    reached(OPEN_AND_PICK, 10),
    late(OPEN_AND_PICK, 100),
    wrong(PICK_TWICE, 7),
    late(PUT_AFTER_OPEN, 128),
    reached(PUT_AFTER_OPEN, 12),
    late(PUT_AFTER_OPEN, 128),
    wrong(PUT_AFTER_OPEN, 32),
)


def test_instruction_of_several_clauses_counts_once_under_each_of_its_verbs() -> None:
    groups = {group.name: group for group in break_down(OUTCOMES, "verb", GROUPS)}
    assert groups == {
        "go to": Group("go to", 10, 8, 2, (8 * 4 + 2 * 64) / 10),
        "open": Group("open", 6, 2, 3, (10 + 100 + 128 + 12 + 128 + 32) / 6),
        "pick up": Group("pick up", 3, 1, 1, (10 + 100 + 7) / 3),
        "put": Group("put", 4, 1, 2, (128 + 12 + 128 + 32) / 4),
    }


def test_clauses_are_counted_whatever_their_verbs_and_order() -> None:
    groups = {group.name: group for group in break_down(OUTCOMES, "clauses", GROUPS)}
    assert groups == {
        "1": Group("1", 10, 8, 2, 16.0),
        "2": Group("2", 3, 1, 1, 39.0),
        "3": Group("3", 4, 1, 2, 75.0),
    }


def test_sentence_is_taken_as_it_is_in_any_language() -> None:
    played = [reached("Go to the green armor"), wrong("Go to the green armor"), reached("Go to the armor")]
    assert break_down(played, "instruction") == (
        Group("Go to the green armor", 2, 1, 0, 3.0),
        Group("Go to the armor", 1, 1, 0, 4.0),
    )


def test_shares_add_up_and_come_with_wilsons_interval() -> None:
    (group,) = break_down([*[reached(GO)] * 8, late(GO), wrong(GO)], "instruction")
    told = group.to_dict()
    assert (told.pop("low"), told.pop("high")) == pytest.approx((0.490, 0.943), abs=1e-3)
    assert told == {
        "name": GO,
        "success": 0.8,
        "episodes": 10,
        "successes": 8,
        "late": 0.1,
        "wrong": 0.1,
        "mean_length": pytest.approx(9.8),
    }


def test_what_surely_fails_comes_before_a_single_failure() -> None:
    """Upper ends of Wilson's intervals: 10 of 20 .701, 0 of 1 .793, 8 of 10 .943; 1 where nothing failed."""
    played = {"twenty": (10, 20), "one": (0, 1), "ten": (8, 10), "b": (3, 3), "a": (1, 1)}
    outcomes = [
        (reached if place < successes else late)(name)
        for name, (successes, episodes) in played.items()
        for place in range(episodes)
    ]
    assert [group.name for group in break_down(outcomes, "instruction")] == ["twenty", "one", "ten", "a", "b"]


def test_no_episode_is_no_group() -> None:
    assert break_down([], "verb", GROUPS) == ()


def test_unknown_breakdown_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no breakdown by 'color': choose among verb, clauses, instruction"):
        break_down(OUTCOMES, "color", GROUPS)


def printed(*rows: tuple[str, Group]) -> list[str]:
    console = Console(width=100, file=io.StringIO())
    console.print(breakdown_table("a title", "verb", rows))
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines() if line.strip()]


def test_table_holds_every_number_and_names_suites_where_there_are_several() -> None:
    put, go = Group("put", 10, 8, 1, 9.8), Group("go to", 4, 0, 4, 64.0)
    title, head, _, *rows = printed(("layout", put), ("size", go))
    assert title == "a title"
    assert head == "suite verb n success interval timeout failed"
    assert rows == ["layout put 10 0.800 [0.490, 0.943] 0.10 0.10", "size go to 4 0.000 [0.000, 0.490] 1.00 0.00"]
    assert printed(("layout", put), ("layout", go))[3] == "put 10 0.800 [0.490, 0.943] 0.10 0.10"


def test_table_ends_after_twenty_rows() -> None:
    groups = [("layout", Group(f"verb{number}", 1, 1, 0, 1.0)) for number in range(MOST_ROWS + 5)]
    assert [line.split()[0] for line in printed(*groups)[3:]] == [f"verb{number}" for number in range(20)]
