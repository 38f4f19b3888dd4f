"""Ids: every level and task under its names, with Gymnasium and without, and errors that name the nearest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

import groundling
from groundling.envs import EpisodeBank, GroundlingEnv, GroundlingVectorEnv, make, make_vec, registered_tasks
from groundling.envs.banks.bank import CLAUSE_TOKENS, SEQUENCE_TOKENS
from groundling.envs.banks.sources import find_source
from groundling.envs.engine.rover import Rover
from groundling.envs.families.babyai.known import level_of, minigrid_levels
from groundling.envs.families.babyai.levels import SEQUENCE_LEVELS
from groundling.envs.families.chaplot.room import ROOMS
from groundling.envs.families.gridlu.group import GROUP as GRIDLU
from groundling.envs.families.manuals.group import GROUP as MANUALS
from groundling.envs.families.montezuma.tasks import TASKS as MONTEZUMA
from groundling.envs.families.questions.group import SOURCES as QUESTIONS
from groundling.envs.families.textworld.names import VARIANTS as TEXT_WORLDS
from groundling.envs.first_person import Camera
from groundling.errors import (
    ConfigurationError,
    InstructionError,
    SplitError,
    UnknownEnvironmentError,
    UnsupportedLevelError,
)
from groundling.language import VOCABULARY, parse

LEVEL = "BabyAI-GoToObjS4-v0"
OWN = [id for id in registered_tasks() if id.startswith("groundling/")]


def small_vec(id: str = LEVEL, num_envs: int = 4, **options: Any) -> GroundlingVectorEnv:
    return make_vec(id, num_envs, bank_size=12, cache=False, progress=False, **options)


# Ids


def test_both_forms_of_an_id_are_the_same_level() -> None:
    short, long = make("groundling/GoToLocal-v0"), make("BabyAI-GoToLocal-v0")
    assert short.level == long.level
    assert short.reset(seed=1)[1] == long.reset(seed=1)[1]
    assert small_vec("groundling/GoToObjS4-v0").bank.level == LEVEL


DOOM = tuple(f"groundling/GroundedDoom-{name}-v0" for name in ("Easy", "Medium", "Hard"))


def test_every_level_and_own_task_is_registered_with_gymnasium() -> None:
    levels = minigrid_levels()
    assert len(levels) == len(set(levels)) > 100
    assert len(OWN) > 20
    names = {"groundling/" + level.removeprefix("BabyAI-").removeprefix("MiniGrid-") for level in levels}
    names |= {"groundling/" + level for level in levels}
    ours = {id for id in gymnasium.registry if id.startswith("groundling/")}
    others = {*ROOMS, *DOOM, *QUESTIONS, *MANUALS.ids(), *GRIDLU.ids(), *MONTEZUMA, *TEXT_WORLDS}
    assert ours == names | set(OWN) | others
    assert not names & set(OWN), "a task hides a level"


def test_registered_id_makes_what_its_name_says() -> None:
    """Where BabyAI and MiniGrid have a level of the same name, BabyAI's."""
    for id, spec in gymnasium.registry.items():
        if id.startswith("groundling/") and id not in (*DOOM, *MANUALS.ids(), *GRIDLU.ids(), *MONTEZUMA, *TEXT_WORLDS):
            assert find_source(spec.kwargs["level"]) == find_source(id), id
    assert level_of("groundling/KeyCorridorS3R1-v0") == "BabyAI-KeyCorridorS3R1-v0"
    assert level_of("MiniGrid-KeyCorridorS3R1-v0") == "MiniGrid-KeyCorridorS3R1-v0"


@pytest.mark.parametrize(
    ("id", "level", "length"),
    [
        ("groundling/OpenDoor-v0", "BabyAI-OpenDoor-v0", CLAUSE_TOKENS),
        ("groundling/GoToSeqS5R2-v0", "BabyAI-GoToSeqS5R2-v0", SEQUENCE_TOKENS),
        ("groundling/Fetch-5x5-N2-v0", "MiniGrid-Fetch-5x5-N2-v0", CLAUSE_TOKENS),
        ("groundling/RoomGoTo-v0", "groundling/RoomGoTo-v0", CLAUSE_TOKENS),
    ],
)
def test_gymnasium_makes_levels_and_tasks(id: str, level: str, length: int) -> None:
    env = gymnasium.make(id, split="train").unwrapped
    assert isinstance(env, GroundlingEnv)
    assert (env.level, env.split.name) == (level, "train")
    observation, info = env.reset(seed=4)
    assert observation["instruction"].shape == (length,)
    assert env.observation_space.contains(observation)
    assert VOCABULARY.decode(observation["instruction"]) == info["instruction_text"]
    for action in (0, 2, 1, 2):
        assert env.observation_space.contains(env.step(action)[0])


def test_levels_of_sequences_take_96_tokens_and_all_others_24() -> None:
    assert (CLAUSE_TOKENS, SEQUENCE_TOKENS) == (24, 96)
    lengths = {level: find_source(level).instruction_length for level in minigrid_levels()}
    assert {level for level, length in lengths.items() if length == 96} == SEQUENCE_LEVELS
    assert set(lengths.values()) == {24, 96}


def test_registering_twice_does_no_harm() -> None:
    groundling.register_environments()  # other tests may have registered tasks of their own
    before = dict(gymnasium.registry)
    groundling.register_environments()
    assert dict(gymnasium.registry) == before


@pytest.mark.parametrize(
    ("id", "nearest"),
    [
        ("BabyAI-GoToLokal-v0", "BabyAI-GoToLocal-v0"),
        ("groundling/PikupLoc-v0", "BabyAI-PickupLoc-v0"),
        ("groundling/RoomGoTwo-v0", "groundling/RoomGoTo-v0"),
        ("gotolocal", "BabyAI-GoToLocal-v0"),
    ],
)
def test_unknown_id_is_refused_and_the_nearest_are_named(id: str, nearest: str) -> None:
    for ask in (find_source, make, make_vec):
        with pytest.raises(UnknownEnvironmentError, match=nearest) as caught:
            ask(id)
        assert repr(id) in str(caught.value)
        assert not str(caught.value).startswith('"'), "a sentence, not the repr that KeyError prints"
    assert isinstance(caught.value, KeyError)


def test_hopeless_id_is_refused_without_a_guess() -> None:
    with pytest.raises(UnknownEnvironmentError) as caught:
        make("zzzzzzzz")
    assert "nearest" not in str(caught.value)
    assert "groundling tasks" in str(caught.value)


@pytest.mark.parametrize(
    ("id", "reason"),
    [("CartPole-v1", "it is no level of MiniGrid"), ("MiniGrid-Empty-5x5-v0", "its mission never varies")],
)
def test_environment_of_another_kind_is_refused(id: str, reason: str) -> None:
    for ask in (make, make_vec):
        with pytest.raises(UnsupportedLevelError, match=reason):
            ask(id)


# Missions


def test_only_the_missions_goal_is_played() -> None:
    envs = small_vec(instruction="go to the red ball")
    assert set(envs.bank.instructions) == {"go to the red ball"}
    assert len(envs.bank) == 12
    envs.reset()
    for actions in np.random.default_rng(0).integers(3, size=(80, 4)):
        envs.step(actions)
        assert set(envs.instructions) == {"go to the red ball"}


def test_paraphrased_mission_means_the_same_episodes() -> None:
    plain, said_otherwise = (small_vec(instruction=text) for text in ("go to the red ball", "Walk to the crimson orb."))
    assert np.array_equal(plain.bank.seeds, said_otherwise.bank.seeds)
    assert plain.bank.instructions == said_otherwise.bank.instructions


def test_several_instructions_are_played_side_by_side() -> None:
    envs = small_vec(instruction=["go to the red ball", "go to the blue key", "go to the grey box"])
    assert set(envs.bank.instructions) == {"go to the red ball", "go to the blue key", "go to the grey box"}
    assert [parse(text) for text in envs.bank.instructions] == envs.bank.goals()


def test_instruction_keeps_to_the_split() -> None:
    trained, tested = (small_vec(instruction="go to the red ball", split=split).bank for split in ("train", "seen"))
    assert set(trained.seeds % 2) == {0}
    assert set(tested.seeds % 2) == {1}
    with pytest.raises(SplitError, match=r"'train' of .* narrowed to 'go to the purple key', which it does not keep"):
        small_vec(instruction="go to the purple key", split="train")


def test_unreadable_instruction_is_refused_and_the_word_pointed_at() -> None:
    with pytest.raises(InstructionError) as caught:
        small_vec(instruction="go to the red bawl")
    lines = str(caught.value).splitlines()
    shown = next(
        number for number, line in enumerate(lines) if "go to the red bawl" in line and "^" in lines[number + 1]
    )
    assert lines[shown][lines[shown + 1].index("^") :].startswith("bawl")
    with pytest.raises(InstructionError):
        small_vec(instruction=["go to the red ball", "red"])


def test_instruction_that_the_level_never_asks_for_is_refused() -> None:
    with pytest.raises(SplitError, match=r"narrowed to 'open the red door', which the level may never ask for"):
        small_vec(instruction="open the red door")


def test_instructions_with_a_bank_are_refused() -> None:
    bank = EpisodeBank.of_seeds(LEVEL, range(3))
    with pytest.raises(ConfigurationError, match="narrow it to an instruction when it is built"):
        make_vec(bank=bank, num_envs=2, instruction="go to the red ball")


def test_source_can_be_given_instead_of_its_id() -> None:
    envs = small_vec(find_source(LEVEL).changed(room_size=6))  # type: ignore[arg-type]
    assert envs.bank.cells.shape == (12, 6, 6)


def test_importing_worlds_and_words_imports_neither_torch_nor_an_engine() -> None:
    code = (
        "import sys, groundling, groundling.language, groundling.envs.simulators.doom_vector as doom\n"
        "doom.register_doom(); doom.register_doom()\n"
        "print(*(name for name in ('torch', 'vizdoom', 'omg', 'numba') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["numba"]


@pytest.mark.parametrize("id", ["groundling/RTFM-Simple-6x6-v0", "groundling/Messenger-S1-v0"])
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"body": "rover"}, "a body of its own"),
        ({"body": "grid"}, "a body of its own"),
        ({"body": Rover()}, "a body of its own"),
        ({"camera": Camera(width=16, height=16)}, "senses of its own"),
        ({"explored_radius": 3}, "no map of what was seen"),
        ({"top_down_pixels": 8}, "no view from above"),
        ({"instruction": "go to the red ball"}, "cannot be narrowed"),
    ],
)
def test_what_a_family_without_banks_has_no_use_for_is_refused(id: str, asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{id} .*{reason}"):
        make_vec(id, 2, **asked)


@pytest.mark.parametrize("make_envs", [make, make_vec])
def test_rooms_whose_things_have_no_symbols_are_refused_to_the_body_of_the_grid(make_envs: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"seen in first person only.*leave the body out, or take 'rover'"):
        make_envs("groundling/GroundedRoom-Easy-v0", body="grid")
