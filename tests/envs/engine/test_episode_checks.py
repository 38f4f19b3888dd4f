"""Episodes and saved worlds that no world can be are refused before a kernel sees them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundling.envs import EpisodeBank
from groundling.envs.banks.episode_arrays import Sizes
from groundling.envs.engine.constants import (
    ANSWER,
    EMPTY_LOOK,
    HOLDS,
    MAX_OBJECTS,
    NO_CLAUSE,
    NOWHERE,
    OPAQUE_BIT,
    PUT_IN,
    STOP,
    WALKABLE_BIT,
    Verb,
    place,
)
from groundling.envs.engine.embodiment import GRID
from groundling.envs.engine.episode_checks import check_episodes
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import BankFileError, ConfigurationError, EpisodeError
from groundling.language.vocabulary import VOCABULARY

LEVEL = "BabyAI-PutNextLocal-v0"


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds(LEVEL, range(8))


def changed(bank: EpisodeBank, name: str, index: Any, value: Any) -> EpisodeBank:
    array = getattr(bank, name).copy()
    array[index] = value
    return replace(bank, **{name: array})


OBJECTS = 8  # of the level
HOSTILE = {
    "cell of an object that there is not": ("cells", (3, 2, 2), OBJECTS + 2, "episode 3 has a cell with an object"),
    "wall that one walks through": ("looks", (2, 1), EMPTY_LOOK, "episode 2 has walls or free tiles"),
    "free tile that can be carried": ("looks", (2, 0), EMPTY_LOOK | 1 << 25, "episode 2 has walls or free tiles"),
    "look with unknown flags": ("looks", (1, 4), 5 | 1 << OPAQUE_BIT + 1, "episode 1 has an object that looks like"),
    "negative look": ("looks", (1, 4), -5, "looks like nothing"),
    "look with an unknown type": ("looks", (1, 4), 200, "looks like nothing"),
    "look with an unknown color": ("looks", (1, 4), 5 | 99 << 8, "looks like nothing"),
    "look with an unknown state": ("looks", (1, 4), 5 | 7 << 16, "looks like nothing"),
    "wall in a box": ("contents", (5, 1), 1, "episode 5 has an object with something inside"),
    "box with what there is not": ("contents", (5, 1), 60, "something inside that there is not"),
    "holder of what there is not": ("contents", (5, 1), HOLDS | 60, "something inside that there is not"),
    "object beside the map": ("positions", (4, 0), 64, "episode 4 has an object beside the map"),
    "object before the map": ("positions", (4, 0), -2, "episode 4 has an object beside the map"),
    "agent beside the map": ("poses", (6, 0), 300, "episode 6 begins with an agent beside the map"),
    "agent above the map": ("poses", (6, 1), -1, "agent beside the map"),
    "agent that faces nowhere": ("poses", (6, 2), 4, "faces no direction"),
    "agent that carries a wall": ("carried", 7, 1, "episode 7 has an agent that carries"),
    "agent that carries what there is not": ("carried", 7, 77, "episode 7 has an agent that carries"),
    "no time": ("max_steps", 0, 0, "episode 0 has no time"),
    "sentence that there is not": ("sentences", 0, 99, "episode 0 has a sentence that there is not"),
    "sentence before the first": ("sentences", 0, -1, "episode 0 has a sentence that there is not"),
    "unknown operation": ("programs", (1, 0, 0), 42, "episode 1 has a goal with an operation"),
    "huge operation": ("programs", (1, 0, 0), 2**64 - 1, "episode 1 has a goal with an operation"),
    "no goal": ("programs", (1, 0, 0), NO_CLAUSE, "episode 1 has a goal without an end"),
    "goal that only stops": ("programs", (1, 0, 0), STOP, "episode 1 has a goal without an end"),
    "goal with objects that there are not": ("programs", (1, 0, 2), 1 << 60, "goal with objects that there are not"),
    "place beside the map": (
        *("programs", (1, 0), [Verb.ANNOUNCE, 0, place(8, 1), 0]),
        "goal at a place beside the map",
    ),
    "trap beside the map": ("programs", (1, 0), [Verb.STEP_ON, 0, 0, place(0, 900)], "place beside the map"),
    "floor of a world without": ("programs", (1, 0), [PUT_IN, 0, 1, 1], "goal on a floor that there is not"),
}


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_hostile_values_are_refused(case: str, bank: EpisodeBank, tmp_path: Path) -> None:
    name, index, value, message = HOSTILE[case]
    wrong = changed(bank, name, index, value)
    with pytest.raises(EpisodeError, match=message):
        WorldBatch(wrong, 4)
    wrong.save(tmp_path / "bank.npz")
    with pytest.raises(BankFileError, match=rf"bank\.npz is damaged: .*{message}"):
        EpisodeBank.load(tmp_path / "bank.npz")


def test_whole_bank_passes_and_is_looked_at_once(bank: EpisodeBank, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = replace(bank)
    WorldBatch(fresh, 4)
    monkeypatch.setattr("groundling.envs.banks.bank.check_episodes", None)
    WorldBatch(fresh, 4)
    with pytest.raises(TypeError):
        WorldBatch(replace(bank), 4)


@pytest.mark.parametrize(("name", "dtype"), [("cells", "int16"), ("looks", "int64"), ("poses", "int32")])
def test_arrays_of_another_type_are_refused(name: str, dtype: str, bank: EpisodeBank) -> None:
    with pytest.raises(EpisodeError, match=f"{name} is {dtype}"):
        WorldBatch(replace(bank, **{name: getattr(bank, name).astype(dtype)}), 4)


@pytest.mark.parametrize("name", ["looks", "contents", "positions", "poses", "carried", "programs", "max_steps"])
def test_arrays_of_another_length_are_refused(name: str, bank: EpisodeBank) -> None:
    with pytest.raises(EpisodeError, match=f"{name} is of shape"):
        WorldBatch(replace(bank, **{name: getattr(bank, name)[:-1]}), 4)


def test_words_that_the_vocabulary_lacks_are_refused(bank: EpisodeBank) -> None:
    with pytest.raises(EpisodeError, match="token id 9999 is that of no word"):
        check_episodes(changed(bank, "tokens", (0, 0), 9999)._arrays(), len(VOCABULARY))


def test_notes_behind_a_goal_may_be_anything(bank: EpisodeBank) -> None:
    programs = np.concatenate([bank.programs, np.zeros_like(bank.programs), np.zeros_like(bank.programs)], axis=1)
    programs[:, 1, 0], programs[:, 2] = NO_CLAUSE, 2**64 - 1
    check_episodes(replace(bank, programs=programs)._arrays())
    programs[:, 0, :3], programs[:, 1, 0] = [ANSWER, 0, 5], NO_CLAUSE
    check_episodes(replace(bank, programs=programs)._arrays())


def test_as_many_objects_as_a_set_has_bits_are_allowed(bank: EpisodeBank) -> None:
    more = bank._enlarged(Sizes(8, 8, MAX_OBJECTS, 1, has_floors=False, tokens=bank.instruction_length))
    check_episodes(more._arrays())
    with pytest.raises(EpisodeError, match="of which some hold others"):
        check_episodes(changed(more, "contents", (0, 0), HOLDS)._arrays())


def test_a_hundred_thousand_episodes_are_checked_in_a_fraction_of_a_second(bank: EpisodeBank) -> None:
    many = bank.take(np.arange(100_000) % len(bank))
    start = time.process_time()
    many.check()
    assert time.process_time() - start < 1.0


STATES: dict[str, tuple[str, Any, Any, str]] = {
    "agent in the border": ("state.position", 0, 3, "beside the map"),
    "agent beside the array": ("state.position", 0, 20_000, "in position"),
    "object beside the array": ("state.positions", (0, 0), -5, "in positions"),
    "hole in the wall around": ("state.cells", (1, 0), 0, "maps without walls around"),
    "unknown object": ("state.cells", (1, 150), 99, "damaged"),
    "direction": ("state.direction", 2, 5, "in direction"),
    "episode of another bank": ("state.episode", 2, 8, "in episode"),
    "sentence of another episode": ("state.sentence", 2, 5, "other sentences"),
    "clause behind the last": ("state.stage", 0, 9, "in current_step"),
    "carried before": ("state.carried_before", (0, 0), 1, "carried what there is not"),
    "carried": ("state.carried", 0, 88, "damaged"),
    "wall to walk through": ("state.looks", (0, 1), 2 | 1 << WALKABLE_BIT, "damaged"),
    "steps before the first": ("state.step_count", 0, -7, "in step_count"),
    "no time": ("state.max_steps", 0, 0, "in max_steps"),
    "goal": ("state.programs", (0, 0, 0), 50, "damaged"),
    "shares": ("limits", 0, 0.5, "shares of tasks"),
    "no share": ("limits", 0, np.nan, "in limits"),
    "tokens": ("observations.instruction", (0, 0), 77, "other sentences"),
    "symbols": ("observations.image", (0, 0), 99, "in observations.image"),
    "map": ("explored", (0, 0), 0xFFFF, "in explored"),
    "last action": ("previous_action", 0, 8, "in previous_action"),
}


@pytest.mark.parametrize("case", STATES, ids=str)
def test_hostile_states_are_refused_and_nothing_is_loaded(case: str, bank: EpisodeBank) -> None:
    worlds = GRID.changed(explored_radius=3, previous_action=True).make_batch(bank, 4)
    worlds.reset()
    name, index, value, message = STATES[case]
    saved = worlds.state_dict()
    before = {key: array.copy() for key, array in saved.items()}
    worlds.load_state_dict(saved)
    saved[name][index] = value
    with pytest.raises(ConfigurationError, match=message):
        worlds.load_state_dict(saved)
    now = worlds.state_dict()
    assert all(np.array_equal(now[key], array) for key, array in before.items())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("x", 300.0, r"poses\.x"), ("y", np.nan, r"poses\.y"), ("heading", 7.0, "heading"), ("x", 8.75, "their tiles")],
)
def test_hostile_poses_are_refused(name: str, value: float, message: str, bank: EpisodeBank) -> None:
    worlds = GRID.changed("rover").make_batch(bank, 2)
    worlds.reset()
    saved = worlds.state_dict()
    saved[f"poses.{name}"][0] = value if name != "x" or value > 100 else saved["poses.x"][0] + 1
    with pytest.raises(ConfigurationError, match=message):
        worlds.load_state_dict(saved)
    worlds.poses._asdict()[name][0] = np.inf
    views = worlds._renderer.make_views(2)
    with pytest.raises(ConfigurationError, match="a pose has"):
        worlds._renderer.draw(worlds.state, worlds.poses, worlds.width, worlds.styles, views, 0, 2)


def test_missing_and_retyped_parts_of_a_state_are_named(bank: EpisodeBank) -> None:
    worlds = WorldBatch(bank, 4)
    worlds.reset()
    saved = worlds.state_dict()
    with pytest.raises(ConfigurationError, match=r"order_seed of shape missing"):
        worlds.load_state_dict({name: array for name, array in saved.items() if name != "order_seed"})
    with pytest.raises(ConfigurationError, match=r"state\.looks of type int64"):
        worlds.load_state_dict({**saved, "state.looks": saved["state.looks"].astype(np.int64)})
    assert NOWHERE == -1
