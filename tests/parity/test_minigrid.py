"""The compiled world against MiniGrid's own environment; benchmarks/parity.py follows 200 seeds of each level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from own_levels import AnyGoal, registered

from groundling.agents.bots import Expert
from groundling.envs import parity
from groundling.envs.banks.episode import Episode
from groundling.envs.engine import worlds
from groundling.envs.engine.constants import (
    JOINED,
    NO_PLACE,
    OPAQUE_BIT,
    ORDERED,
    PORTABLE_BIT,
    STRICT,
    Action,
    Verb,
    without,
)
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.families.babyai.known import minigrid_levels
from groundling.envs.parity import compare_with_minigrid
from groundling.errors import ConfigurationError

LEVELS = minigrid_levels()
BABYAI = [level for level in LEVELS if level.startswith("BabyAI-")]
MINIGRID = [level for level in LEVELS if level.startswith("MiniGrid-")]

# Where the bot fails by its own account, or no episode of several doors can be won (a strict "open" after another).
TOO_HARD_FOR_THE_BOT = (
    *("BabyAI-PutNextS5N2Carrying-v0", "BabyAI-PutNextS6N3Carrying-v0", "BabyAI-PutNextS7N4Carrying-v0"),
    *("BabyAI-KeyInBox-v0", "BabyAI-OpenDoorsOrderN2Debug-v0", "BabyAI-OpenDoorsOrderN4Debug-v0"),
)


@pytest.mark.parametrize("level", LEVELS)
def test_world_equals_minigrid_under_random_actions(level: str) -> None:
    result = compare_with_minigrid(level, range(4), max_steps=80)
    assert result.mismatches == ()
    assert result.steps > 0


@pytest.mark.parametrize("level", BABYAI)
def test_world_equals_minigrid_under_the_actions_of_its_bot(level: str) -> None:
    result = compare_with_minigrid(level, range(50, 52), actor="bot", max_steps=160)
    assert result.mismatches == ()
    assert result.finished > 0 or level in TOO_HARD_FOR_THE_BOT


def test_expert_succeeds_in_minigrid_on_its_own_levels_and_those_too_hard_for_its_bot() -> None:
    levels = [*MINIGRID, *(level for level in TOO_HARD_FOR_THE_BOT if "Debug" not in level)]
    results = [compare_with_minigrid(level, range(3), actor="expert", make_expert=Expert) for level in levels]
    assert [line for result in results for line in result.mismatches] == []
    assert [result.level for result in results if result.finished < result.episodes] == []


@pytest.mark.parametrize(
    "level",
    [
        *("BabyAI-PutNextS5N2Carrying-v0", "BabyAI-PutNextS4N1-v0", "BabyAI-KeyInBox-v0", "BabyAI-UnlockLocal-v0"),
        *("MiniGrid-PutNear-6x6-N2-v0", "MiniGrid-Fetch-5x5-N2-v0", "MiniGrid-MemoryS7-v0"),
    ],
)
def test_world_equals_minigrid_when_objects_are_handled_often(level: str) -> None:
    result = compare_with_minigrid(level, range(100, 120), actor="handling", max_steps=150)
    assert result.mismatches == ()
    if level.startswith("MiniGrid-"):
        assert result.successes > 0
        assert result.failures > 0


@pytest.mark.parametrize("actor", ["handling", "bot", "expert"])
def test_strict_clauses_and_orders_of_every_kind_equal_babyais(actor: parity.Actor) -> None:
    with registered(AnyGoal, "Own/AnyGoal-v0") as level:
        result = compare_with_minigrid(level, range(60), actor=actor, make_expert=Expert, noise=0.1, max_steps=100)
    assert result.mismatches == ()
    assert result.successes > 0
    assert result.failures > 0


@pytest.mark.parametrize(
    ("level", "settings"),
    [
        ("BabyAI-GoToLocal-v0", {"room_size": 11, "num_distractors": 12}),
        ("BabyAI-BossLevel-v0", {"room_size": 6, "num_rows": 2, "num_distractors": 9}),
        ("MiniGrid-Fetch-8x8-N3-v0", {"room_size": 12, "num_distractors": 20}),
        ("MiniGrid-MemoryS7-v0", {"room_size": 15, "random_length": True}),
    ],
)
def test_world_of_other_settings_equals_minigrids(level: str, settings: dict[str, object]) -> None:
    result = compare_with_minigrid(level, range(4), settings=settings, max_steps=80)
    assert result.mismatches == ()


def test_the_same_comparison_gives_the_same_figures() -> None:
    first, second = (compare_with_minigrid("BabyAI-MiniBossLevel-v0", range(3), max_steps=50) for _ in range(2))
    assert first == second
    other = compare_with_minigrid("BabyAI-MiniBossLevel-v0", range(3), max_steps=50, actor="bot")
    assert other.finished > 0
    assert other.steps != first.steps


def test_bot_is_refused_where_it_cannot_play() -> None:
    with pytest.raises(ConfigurationError, match=r"BabyAI's levels only, not MiniGrid-MemoryS7-v0"):
        compare_with_minigrid("MiniGrid-MemoryS7-v0", range(1), actor="bot")


class LostOnce:
    """An expert that is lost at the first step and knows nothing but to wait at all others."""

    def __init__(self, worlds: WorldBatch) -> None:
        self.lost = np.ones(worlds.num_envs, dtype=np.bool_)
        self.asked = 0

    def actions(self) -> NDArray[np.int64]:
        self.lost[:] = self.asked == 0
        self.asked += 1
        return np.full(len(self.lost), Action.DONE)


def test_episode_that_the_expert_has_given_up_is_left_to_random_actions() -> None:
    level, seeds = "MiniGrid-Fetch-5x5-N2-v0", range(8)
    left = compare_with_minigrid(level, seeds, actor="expert", make_expert=LostOnce)
    assert left == replace(compare_with_minigrid(level, seeds), actor="expert")
    assert left.successes > 0
    assert left.finished == 0


def test_expert_that_nothing_makes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="make_expert"):
        compare_with_minigrid("MiniGrid-MemoryS7-v0", range(1), actor="expert")


# Negative controls: with one rule less, or one thing displaced, the comparison has to fail


Change = Callable[[Episode], Episode]


def flags_off(flag: int) -> Change:
    return lambda e: replace(e, program=tuple((verb, flags & ~flag, a, b) for verb, flags, a, b in e.program))


def flags_on(flag: int) -> Change:
    return lambda e: replace(e, program=tuple((verb, flags | flag, a, b) for verb, flags, a, b in e.program))


def operands(change: Callable[[int, int], tuple[int, int]]) -> Change:
    return lambda e: replace(e, program=tuple((verb, flags, *change(a, b)) for verb, flags, a, b in e.program))


def other_verb(verb: Verb) -> Change:
    return lambda e: replace(e, program=tuple((int(verb), *rest) for _, *rest in e.program))  # type: ignore[misc]


def reversed_order(e: Episode) -> Episode:
    return replace(e, program=e.program[::-1])


def first_clause_only(e: Episode) -> Episode:
    return replace(e, program=e.program[:1])


def everything_portable(e: Episode) -> Episode:
    return replace(e, looks=tuple(seen | 1 << PORTABLE_BIT for seen in e.looks))


def nothing_portable(e: Episode) -> Episode:
    return replace(e, looks=tuple(without(seen, PORTABLE_BIT) for seen in e.looks))


def nothing_inside(e: Episode) -> Episode:
    return replace(e, contents=(0,) * len(e.contents))


def nothing_hides(e: Episode) -> Episode:
    return replace(e, walls_hide=False, looks=tuple(without(seen, OPAQUE_BIT) for seen in e.looks))


CONTROLS: dict[str, tuple[str, parity.Actor, Change]] = {
    "go to": ("BabyAI-GoToObj-v0", "bot", other_verb(Verb.PICK_UP)),
    "pick up": ("BabyAI-PickupDist-v0", "bot", other_verb(Verb.GO_TO)),
    "strict pick up": ("BabyAI-PickupDistDebug-v0", "handling", flags_off(STRICT)),
    "lenient pick up": ("BabyAI-PickupDist-v0", "handling", flags_on(STRICT)),
    "strict open": ("BabyAI-OpenDoorDebug-v0", "handling", flags_off(STRICT)),
    "put next to": ("BabyAI-PutNextLocalS5N3-v0", "bot", operands(lambda moved, fixed: (fixed, moved))),
    "carried from the start": ("BabyAI-PutNextS5N2Carrying-v0", "random", lambda e: replace(e, carried=0)),
    "one after the other": ("BabyAI-OpenTwoDoors-v0", "bot", reversed_order),
    "all steps": ("BabyAI-MoveTwoAcrossS5N2-v0", "bot", first_clause_only),
    "in any order": ("Own/AnyGoal-v0", "handling", flags_off(JOINED)),
    "in one order": ("BabyAI-GoToSeqS5R2-v0", "bot", flags_on(JOINED)),
    "strict order": ("Own/AnyGoal-v0", "handling", flags_off(ORDERED)),
    "lenient order": ("Own/AnyGoal-v0", "handling", flags_on(ORDERED)),
    "fetch": ("MiniGrid-Fetch-5x5-N2-v0", "handling", flags_off(STRICT)),
    "see-through walls": ("MiniGrid-GoToDoor-8x8-v0", "random", lambda e: replace(e, walls_hide=True)),
    "walls that hide": ("MiniGrid-LockedRoom-v0", "random", nothing_hides),
    "announcing": ("MiniGrid-GoToDoor-5x5-v0", "random", other_verb(Verb.STEP_ON)),
    "place to announce": ("MiniGrid-GoToObject-6x6-N2-v0", "random", operands(lambda a, b: (a + 1, b))),
    "put near": ("MiniGrid-PutNear-6x6-N2-v0", "handling", operands(lambda a, b: (a, NO_PLACE))),
    "only what is to be put near": ("MiniGrid-PutNear-6x6-N2-v0", "handling", operands(lambda a, b: (~a & 3, b))),
    "step on": ("MiniGrid-MemoryS7-v0", "handling", operands(lambda right, wrong: (wrong, right))),
    "pick-up that toggles": ("MiniGrid-MemoryS7-v0", "handling", everything_portable),
    "pick-up that lifts": ("MiniGrid-KeyCorridorS3R1-v0", "handling", nothing_portable),
    "key in a box": ("MiniGrid-ObstructedMaze-1Dlh-v0", "handling", nothing_inside),
    "time limit": ("BabyAI-OneRoomS8-v0", "random", lambda e: replace(e, max_steps=e.max_steps + 1)),
    "mission": ("BabyAI-GoToObj-v0", "random", lambda e: replace(e, instruction="go to the white star")),
    "agent": ("BabyAI-GoToObj-v0", "random", lambda e: replace(e, pose=(*e.pose[:2], (e.pose[2] + 1) % 4))),
}


RARE = ("place to announce", "put near")  # what makes a difference in one episode of many


@pytest.mark.parametrize("name", CONTROLS)
def test_comparison_notices_a_rule_that_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    level, actor, change = CONTROLS[name]
    seeds = range(24 if name in RARE else 8)
    original = parity.sample_episodes

    def changed(*arguments: Any) -> list[Episode]:
        return [change(episode) for episode in original(*arguments)]

    with registered(AnyGoal, "Own/AnyGoal-v0"):
        assert compare_with_minigrid(level, seeds, actor=actor, max_steps=150).mismatches == ()
        monkeypatch.setattr(parity, "sample_episodes", changed)
        assert compare_with_minigrid(level, seeds, actor=actor, max_steps=150).mismatches != ()


def test_comparison_names_the_first_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def step_then_turn_the_compass(*arguments: Any) -> None:
        original(*arguments)
        arguments[2].direction[:] = (arguments[2].direction + 1) % 4

    original = worlds.kernels.step_batch
    monkeypatch.setattr(worlds.kernels, "step_batch", step_then_turn_the_compass)
    result = compare_with_minigrid("BabyAI-GoToObjS4-v0", range(2), max_steps=5)
    assert [line.split("seed")[1] for line in result.mismatches] == [" 0 step 1: direction", " 1 step 1: direction"]


def test_comparison_reads_the_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin_with_another_word(*arguments: Any) -> None:
        original(*arguments)
        arguments[2].instruction[:, 0] = np.roll(arguments[2].instruction[:, 0], 1) + 1

    original = worlds.kernels.reset_batch
    monkeypatch.setattr(worlds.kernels, "reset_batch", begin_with_another_word)
    result = compare_with_minigrid("BabyAI-GoToObjS4-v0", range(2), max_steps=5)
    assert [line.split("seed")[1] for line in result.mismatches] == [
        " 0 at reset: instruction",
        " 1 at reset: instruction",
    ]
