"""Teachers: recorded demonstrations say what was done in the episodes that they are of, and in no other."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.agents.bots import Expert
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.engine.constants import Action
from groundling.envs.families.questions.expert import QuestionExpert
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import Teacher
from groundling.training import TrainConfig
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.recording import record
from groundling.training.tasks import training_envs
from groundling.training.teachers import Recording, find_teacher

LEVEL = "BabyAI-PickupLoc-v0"


@pytest.fixture(scope="module")
def recorded() -> DemonstrationSet:
    return record(LEVEL, 12, seed=3)


def envs_of(demonstrations: DemonstrationSet, num_envs: int, *, shuffle: bool = False) -> GroundlingVectorEnv:
    envs = make_vec(bank=demonstrations.bank, num_envs=num_envs, shuffle=shuffle)
    envs.reset()
    return envs


@pytest.mark.parametrize("shuffle", [False, True])
def test_recorded_actions_are_said_step_by_step_in_whatever_episode_is_played(
    recorded: DemonstrationSet, shuffle: bool
) -> None:
    envs = envs_of(recorded, 5, shuffle=shuffle)
    worlds, teacher = envs.worlds, Recording(envs, recorded)
    running: list[list[int]] = [[] for _ in range(5)]
    ended = 0
    while ended < 30:
        rows = worlds.state.episode.copy()
        actions = teacher.actions()
        assert not teacher.lost.any()
        worlds.step(actions)
        for b in range(5):
            running[b].append(int(actions[b]))
            if worlds.outcomes.ended[b]:
                assert worlds.outcomes.success[b]
                own = slice(*recorded.starts[rows[b] : rows[b] + 2])
                assert running[b] == recorded.actions[own].tolist()
                running[b] = []
                ended += 1


def test_recording_is_lost_when_something_else_was_done_and_what_was_recorded_is_over(
    recorded: DemonstrationSet,
) -> None:
    envs = envs_of(recorded, 12)
    worlds = envs.worlds
    worlds.state.max_steps[:] = 1000
    teacher = Recording(envs, recorded)
    for step in range(int(recorded.lengths.max()) + 3):
        actions = teacher.actions()
        assert teacher.lost.tolist() == (step >= recorded.lengths).tolist()
        assert set(actions.tolist()) <= set(range(len(Action)))
        worlds.step(np.full(12, Action.DONE), autoreset=False)
    assert teacher.lost.all()


def test_other_episodes_are_refused(recorded: DemonstrationSet) -> None:
    others = EpisodeBank.of_seeds(LEVEL, range(12))
    with pytest.raises(ConfigurationError, match="only in the episodes that they are of"):
        Recording(make_vec(bank=others, num_envs=3), recorded)
    with pytest.raises(ConfigurationError, match="only in the episodes that they are of"):
        Recording(make_vec(bank=recorded.bank.take(slice(0, 11)), num_envs=3), recorded)


def test_recording_keeps_nothing_beside_the_worlds(recorded: DemonstrationSet) -> None:
    envs = envs_of(recorded, 4)
    worlds, teacher = envs.worlds, Recording(envs, recorded)
    assert teacher.state_dict() == {}
    teacher.load_state_dict({})
    for _ in range(2):
        worlds.step(teacher.actions())
    assert teacher.actions().tolist() == Recording(envs, recorded).actions().tolist()


@pytest.mark.parametrize("num_envs", [1, 12])
def test_experts_and_recordings_are_teachers_alike(recorded: DemonstrationSet, num_envs: int) -> None:
    """Of demonstrations by the same expert both say the same."""
    envs = envs_of(recorded, num_envs)
    worlds = envs.worlds
    teachers: list[Teacher] = [Expert(worlds, sees="explored"), Recording(envs, recorded)]
    for _ in range(20):
        expert, recording = (teacher.actions() for teacher in teachers)
        assert expert.tolist() == recording.tolist()
        assert not any(teacher.lost.any() for teacher in teachers)
        worlds.step(expert)


def test_tasks_of_one_family_are_taught_by_its_own_expert() -> None:
    tasks = ("groundling/Questions-Small-v0", "groundling/Questions-Near-v0")
    config = TrainConfig(algorithm="dagger", tasks=tasks, num_envs=32, bank_size=64, total_frames=1)
    envs = training_envs(config)
    envs.reset(seed=1)
    teacher = find_teacher(envs, config, "explored")
    assert isinstance(teacher, QuestionExpert)
    ended: list[bool] = []
    for _ in range(40):
        *_, info = envs.step(teacher.actions())
        if "final_info" in info:
            ended += info["final_info"]["success"][info["_final_info"]].tolist()
    assert len(ended) > 4
    assert all(ended)


def test_tasks_of_several_experts_are_refused() -> None:
    config = TrainConfig(tasks=("groundling/Questions-Small-v0", "groundling/RoomGoTo-v0"))
    envs = make_vec("groundling/RoomGoTo-v0", num_envs=1)
    with pytest.raises(ConfigurationError, match="one expert teaches all tasks of a run"):
        find_teacher(envs, config, "explored")
