"""Demonstrations: kept small, replayed exactly, and no file of something else taken for them."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

import groundling
from groundling.envs.engine.constants import Action
from groundling.errors import DemonstrationFileError, UnknownEnvironmentError
from groundling.language import VOCABULARY
from groundling.language.vocabulary import Vocabulary
from groundling.training import demonstrations as module
from groundling.training.demonstration import Demonstration
from groundling.training.demonstration_file import open_arrays, write_arrays
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.recording import record

LEVEL = "BabyAI-PickupLoc-v0"
COUNT = 24

FILE = '''
from groundling.envs import Task
from groundling.language import PickUp

class Fetch(Task):
    """Pick one up."""
    room_size = 6

    def sample(self, world, rng):
        target = world.choice(world.add_crossed())
        world.place_agent()
        return PickUp(world.describe(target))
'''


@pytest.fixture(scope="module")
def recorded() -> DemonstrationSet:
    return record(LEVEL, COUNT, seed=5)


@pytest.fixture
def path(recorded: DemonstrationSet, tmp_path: Path) -> Path:
    recorded.save(tmp_path / "set.demos")
    return tmp_path / "set.demos"


def assert_same(first: Demonstration, second: Demonstration) -> None:
    for field in dataclasses.fields(Demonstration):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name)), field.name


def changed(demonstrations: DemonstrationSet, name: str, index: int, value: float) -> DemonstrationSet:
    array = demonstrations.arrays[name].copy()
    array[index] = value
    return dataclasses.replace(demonstrations, arrays={**demonstrations.arrays, name: array})


# Replays


def test_replay_is_what_a_single_environment_shows_step_by_step(recorded: DemonstrationSet) -> None:
    """Another way through the code: the episode generated from its seed again, in a Gymnasium environment."""
    env = groundling.make(LEVEL)
    for row in range(COUNT):
        replay = recorded.replay(row)
        observation, _ = env.reset(seed=replay.seed)
        assert replay.instruction == env.instruction
        for step in range(len(replay) + 1):
            for key, value in replay.observations.items():
                assert np.array_equal(value[step], observation[key]), (row, step, key)
            if step < len(replay):
                observation, reward, terminated, truncated, info = env.step(int(replay.actions[step]))
                assert replay.rewards[step] == reward
                assert replay.terminated[step] == terminated
                assert replay.truncated[step] == truncated
                assert info["success"] == (step == len(replay) - 1)


def test_replay_ends_in_success_at_its_last_action_with_the_recorded_return(recorded: DemonstrationSet) -> None:
    limits = recorded.bank.max_steps
    for row, replay in enumerate(recorded.replays()):
        assert len(replay) == recorded.lengths[row]
        assert replay.terminated.tolist() == [False] * (len(replay) - 1) + [True]
        assert replay.rewards[:-1].tolist() == [0] * (len(replay) - 1)
        assert replay.rewards[-1] == recorded.returns[row] == 1 - 0.9 * (len(replay) / limits[row])


def test_replay_holds_arrays_of_the_environments_types(recorded: DemonstrationSet) -> None:
    replay = recorded.replay(0)
    space = groundling.make(LEVEL).observation_space
    for step in range(len(replay) + 1):
        assert space.contains({key: value[step] for key, value in replay.observations.items()})
    assert replay.images.shape == (len(replay) + 1, 7, 7, 3)
    assert replay.actions.dtype == np.int64
    assert VOCABULARY.decode(replay.tokens) == replay.instruction == recorded.bank.instruction(0)


def test_replays_come_in_the_order_asked_for_however_many_are_played_at_once(recorded: DemonstrationSet) -> None:
    rows = [5, 0, 5, 23, -1, 2]
    alone = [recorded.replay(row) for row in rows]
    for num_envs in (1, 4, 100):
        together = list(recorded.replays(rows, num_envs=num_envs))
        assert len(together) == len(rows)
        for one, other in zip(alone, together, strict=True):
            assert_same(one, other)
    assert [replay.seed for replay in recorded.replays()] == recorded.bank.seeds.tolist()
    assert list(recorded.replays([])) == []


def test_row_that_is_not_there_is_an_index_error(recorded: DemonstrationSet) -> None:
    with pytest.raises(IndexError):
        recorded.replay(COUNT)


def test_replay_that_does_not_reach_the_goal_is_told(recorded: DemonstrationSet) -> None:
    last = int(recorded.starts[4]) - 1
    assert recorded.actions[last] == Action.PICKUP
    with pytest.raises(DemonstrationFileError, match=rf"demonstration 3 of {LEVEL} does not end as it was recorded"):
        list(changed(recorded, "actions", last, Action.DONE).replays())


def test_replay_that_reaches_the_goal_too_early_is_told(recorded: DemonstrationSet) -> None:
    joined = changed(recorded, "starts", 1, recorded.starts[1] + 1)  # the first one takes an action of the second
    with pytest.raises(DemonstrationFileError, match=r"demonstration 0 .* does not end as it was recorded"):
        joined.replay(0)


def test_replay_that_succeeds_after_its_episode_has_failed_is_told() -> None:
    """Announcing the door from afar ends the episode; the way to it, walked then, would count as a success."""
    right = record("MiniGrid-GoToDoor-8x8-v0", 1)
    actions = np.insert(right.actions, 0, Action.DONE)
    returns = 1 - 0.9 * (np.array([len(actions)]) / right.bank.max_steps)
    late = DemonstrationSet.of(right.bank, actions, np.array([0, len(actions)]), returns, right.provenance)
    with pytest.raises(DemonstrationFileError, match="does not end as it was recorded"):
        late.replay(0)


def test_replay_of_another_return_is_told(recorded: DemonstrationSet) -> None:
    with pytest.raises(DemonstrationFileError, match=r"demonstration 7 .* does not end as it was recorded"):
        list(changed(recorded, "returns", 7, recorded.returns[7] + 1e-9).replays())


# Files


def test_set_comes_back_from_its_file(recorded: DemonstrationSet, path: Path) -> None:
    loaded = DemonstrationSet.load(path)
    assert loaded.provenance == recorded.provenance
    assert list(loaded.arrays) == list(recorded.arrays)
    for name, array in recorded.arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        assert np.array_equal(loaded.arrays[name], array), name
    assert loaded.bank.instructions == recorded.bank.instructions
    assert (
        (loaded.bank.level, loaded.bank.split)
        == (recorded.bank.level, recorded.bank.split)
        == (LEVEL, loaded.bank.split)
    )
    assert len(loaded) == COUNT
    assert loaded.num_frames == recorded.lengths.sum()
    for row in (0, COUNT - 1):
        assert_same(loaded.replay(row), recorded.replay(row))
    loaded.verify()


def test_file_is_small(path: Path) -> None:
    """Some hundred bytes a demonstration: less than one observation a step would take."""
    loaded = DemonstrationSet.load(path)
    assert path.stat().st_size < 500 * COUNT + 4096
    assert path.stat().st_size < 147 * loaded.num_frames / 2


def test_saved_again_is_the_same_file(path: Path, tmp_path: Path) -> None:
    size = DemonstrationSet.load(path).save(tmp_path / "again.demos")
    assert size == path.stat().st_size
    assert (tmp_path / "again.demos").read_bytes() == path.read_bytes()


def test_loaded_episodes_stay_in_the_file_until_they_are_taken(path: Path) -> None:
    loaded = DemonstrationSet.load(path)
    content = loaded.file.arrays["cells"]
    assert np.shares_memory(loaded.bank.cells, content)
    assert isinstance(_root(loaded.actions), np.memmap)
    taken = loaded.bank.take(np.array([3, 1]))
    assert not np.shares_memory(taken.cells, content)
    assert taken.cells.flags.writeable


def _root(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@pytest.mark.parametrize("task", [LEVEL, "groundling/PickupLoc-v0"])
def test_file_of_the_task_asked_for_is_loaded(path: Path, task: str) -> None:
    assert DemonstrationSet.load(path, task=task).provenance.task == LEVEL


def test_file_of_another_task_is_refused(path: Path) -> None:
    with pytest.raises(DemonstrationFileError, match=rf"demonstrations of {LEVEL}, not of BabyAI-GoToLocal-v0"):
        DemonstrationSet.load(path, task="BabyAI-GoToLocal-v0")
    with pytest.raises(UnknownEnvironmentError, match="Nope"):
        DemonstrationSet.load(path, task="BabyAI-Nope-v0")


def test_task_of_a_file_of_ones_own_is_demonstrated_and_asked_for(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_tasks.py").write_text(FILE)
    task = f"{tmp_path}/own_tasks.py:Fetch"
    record(task, 5).save(tmp_path / "own.demos")
    loaded = DemonstrationSet.load(tmp_path / "own.demos", task=task)
    assert loaded.provenance.task == "own_tasks/Fetch"
    assert len(list(loaded.replays())) == 5
    with pytest.raises(DemonstrationFileError, match="not of own_tasks/Fetch"):
        DemonstrationSet.load(path, task=task)


def test_file_of_another_vocabulary_is_refused(
    recorded: DemonstrationSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "vocabulary_of", lambda task: Vocabulary.of(["other", "words"]))
        recorded.save(tmp_path / "file")
    with pytest.raises(
        DemonstrationFileError, match=r"another vocabulary.*record it again, or read it with groundling"
    ):
        DemonstrationSet.load(tmp_path / "file")


def test_file_of_other_episodes_is_refused(
    recorded: DemonstrationSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "EPISODE_FORMAT", 1)
        recorded.save(tmp_path / "file")
    with pytest.raises(DemonstrationFileError, match="episodes of format 1, not 2"):
        DemonstrationSet.load(tmp_path / "file")


def test_file_that_lacks_something_is_refused(path: Path, tmp_path: Path) -> None:
    file = open_arrays(path)
    write_arrays(tmp_path / "less", file.facts, {n: a for n, a in file.arrays.items() if n != "poses"})
    with pytest.raises(DemonstrationFileError, match="has no array poses"):
        DemonstrationSet.load(tmp_path / "less")
    for facts in ({}, {**file.facts, "provenance": {"task": LEVEL}}, {**file.facts, "provenance": None}):
        write_arrays(tmp_path / "less", facts, file.arrays)
        with pytest.raises(DemonstrationFileError, match="tells other facts"):
            DemonstrationSet.load(tmp_path / "less")


def test_damage_is_found_by_verification(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the last return
    path.write_bytes(content)
    with pytest.raises(DemonstrationFileError, match="'returns' does not match its checksum"):
        DemonstrationSet.load(path).verify()
