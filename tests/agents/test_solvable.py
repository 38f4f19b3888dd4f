"""Which episodes can be solved: what the experts leave unsolved, against a search through every state."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import TooManyStatesError, fewest_steps, is_out_of_reach, is_unwinnable
from hand_built import STRICT_THEN, Asked, episode

from groundling.agents.bots import expert, expert_steps, unsolved_seeds
from groundling.envs import EpisodeBank, registered_tasks
from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import STRICT, Verb

TO_THE_BALL = (Verb.GO_TO, "b", "")


def bank_of(*episodes: Episode) -> EpisodeBank:
    return EpisodeBank.pack("hand-built", episodes)


@pytest.mark.slow
@pytest.mark.parametrize("id", registered_tasks())
def test_every_episode_of_a_task_can_be_solved(id: str) -> None:
    assert unsolved_seeds(EpisodeBank.of_seeds(id, range(200))) == []


def test_unsolved_seeds_are_those_of_the_episodes_without_a_way() -> None:
    open_way = episode("#####", "#>.b#", "#####", goal=TO_THE_BALL, seed=3)
    walled = episode("#####", "#>#b#", "#####", goal=TO_THE_BALL, seed=8)
    assert unsolved_seeds(bank_of(open_way, walled, open_way)) == [8]
    assert unsolved_seeds(bank_of(open_way, open_way)) == []


def test_time_limit_counts() -> None:
    times = [episode("########", "#>....b#", "########", goal=TO_THE_BALL, max_steps=t, seed=t) for t in (3, 4, 5)]
    assert unsolved_seeds(bank_of(*times)) == [3]


def test_episode_that_one_expert_solves_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    banks: dict[str, list[int]] = {}

    def steps(bank: EpisodeBank, *, sees: str) -> np.ndarray:
        banks[sees] = bank.seeds.tolist()
        known = {"world": {1: 4, 2: -1, 3: 200}, "explored": {2: 5, 3: -1}}[sees]
        return np.array([known[seed] for seed in bank.seeds.tolist()])

    monkeypatch.setattr(expert, "expert_steps", steps)
    assert unsolved_seeds(bank_of(*(episode("####", "#>b#", "####", goal=TO_THE_BALL, seed=s) for s in (1, 2, 3)))) == [
        3
    ]
    assert banks == {"world": [1, 2, 3], "explored": [2, 3]}


@pytest.mark.parametrize("level", ["BabyAI-OpenDoorsOrderN2Debug-v0", "BabyAI-OpenDoorsOrderN4Debug-v0"])
def test_unsolved_are_exactly_those_for_which_a_search_of_all_states_finds_no_way(level: str) -> None:
    """Two doors under a strict rule cannot be opened in order."""
    bank = EpisodeBank.of_seeds(level, range(30))
    fewest = [fewest_steps(bank, row) for row in range(len(bank))]
    unsolved = unsolved_seeds(bank)
    assert 10 < len(unsolved) < len(bank)
    assert unsolved == [int(seed) for seed, steps in zip(bank.seeds, fewest, strict=True) if steps is None]
    assert expert_steps(bank).tolist() == [-1 if steps is None else steps for steps in fewest]


def test_pickups_that_a_strict_rule_prevents_are_unsolved() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-PickupDistDebug-v0", [1, 2, 3, 981, 984])
    assert unsolved_seeds(bank) == [981, 984]
    assert [is_unwinnable(bank, row) for row in range(len(bank))] == [False] * 3 + [True] * 2


@pytest.mark.parametrize(
    ("rows", "goal"),
    [
        (("######", "#>b.g#", "######"), (Verb.PICK_UP, "g", "", STRICT)),  # what is in the way must stay there
        # the same: to be before it, or to lift it, is to have gone to it too early
        (("######", "#>b.g#", "######"), [(Verb.GO_TO, "g", ""), (Verb.GO_TO, "b", "", STRICT_THEN)]),
    ],
)
def test_goal_that_the_rules_prevent_is_unsolved(rows: tuple[str, ...], goal: Asked | list[Asked]) -> None:
    bank = bank_of(episode(*rows, goal=goal, max_steps=60))
    assert not is_out_of_reach(bank, 0)
    assert fewest_steps(bank, 0) is None
    assert is_unwinnable(bank, 0)
    assert unsolved_seeds(bank) == [0]


# The search that judges the experts


def test_search_counts_the_steps_within_its_limits() -> None:
    bank = bank_of(episode("########", "#>....b#", "########", goal=TO_THE_BALL, max_steps=9))
    assert fewest_steps(bank, 0) == 4
    assert fewest_steps(bank, 0, max_steps=4) == 4
    assert fewest_steps(bank, 0, max_steps=3) is None
    with pytest.raises(TooManyStatesError, match="more than 6 states"):
        fewest_steps(bank, 0, max_states=6)


@pytest.mark.parametrize(
    ("rows", "goal", "is_out"),
    [
        (("#######", "#>..#b#", "#######"), TO_THE_BALL, True),  # walled in
        (("#######", "#>.g.b#", "#######"), TO_THE_BALL, False),  # what is in the way may be moved
        (("#######", "#>.D.b#", "#######"), TO_THE_BALL, False),
        (("#######", "#>..Lb#", "#######"), TO_THE_BALL, True),  # locked in, and there is no key
        (("#######", "#>k.Lb#", "#######"), TO_THE_BALL, True),  # the key of another lock
        (("#######", "#>y.Lb#", "#######"), TO_THE_BALL, False),
        (("########", "#>..Lyb#", "########"), TO_THE_BALL, True),  # the key behind its own lock
        (("#######", "#>.B..#", "#######"), (Verb.PICK_UP, "k", ""), False),  # in a box
        (("######", "#>..L#", "######"), (Verb.OPEN, "L", ""), True),
        (("######", "#>.yL#", "######"), (Verb.OPEN, "L", ""), False),
        (("######", "#>..L#", "######"), (Verb.GO_TO, "L", ""), False),
        (("#######", "#>b#g.#", "#######"), (Verb.PUT_NEXT_TO, "b", "g"), True),
        (("#######", "#>b.#g#", "#######"), [(Verb.PICK_UP, "b", ""), (Verb.GO_TO, "g", "")], True),
    ],
)
def test_what_nobody_comes_to_is_out_of_reach(rows: tuple[str, ...], goal: Asked | list[Asked], is_out: bool) -> None:
    bank = bank_of(episode(*rows, goal=goal, max_steps=60))
    assert is_out_of_reach(bank, 0) == is_out
    if is_out:
        assert fewest_steps(bank, 0) is None
        assert unsolved_seeds(bank) == [0]


def test_levels_whose_key_is_locked_in_are_out_of_reach() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-Unlock-v0", [63, 1, 161, 2, 165])
    assert [is_out_of_reach(bank, row) for row in range(len(bank))] == [True, False, True, False, True]
    assert unsolved_seeds(bank) == [63, 161, 165]
