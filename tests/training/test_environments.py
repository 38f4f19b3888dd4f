"""Environments of a run: made of a configuration, or by another maker, and resumed as far as they can be."""

from __future__ import annotations

import dataclasses
import functools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from pixel_choice import SIZE, VOCABULARY_SIZE, PixelChoice
from specs import rgb_spec

from groundling.agents import AgentConfig
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.embodiment import GRID
from groundling.envs.first_person import Camera
from groundling.envs.specification import spec_of
from groundling.errors import CheckpointError, ConfigurationError
from groundling.training import (
    A2CConfig,
    Checkpoint,
    CurriculumConfig,
    PPOConfig,
    TrainConfig,
    Trainer,
    resume_config,
    train,
)
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.environments import SavableEnvs, make_training_envs, name_of_maker, warmup_updates
from groundling.training.logs import read_metrics

B, T = 8, 4
DONE = 6  # an action that does nothing
AGENT = AgentConfig(
    vision="cnn",
    memory="gru",
    conv_channels=(4, 4, 8),
    word_dim=4,
    instruction_dim=8,
    readout_dim=2,
    hidden_dim=8,
    memory_dim=8,
)


def make_config(**changes: Any) -> TrainConfig:
    settings = {
        "task": "a simulator/of-its-own",
        "total_frames": 3 * B * T,
        "num_envs": B,
        "agent": AGENT,
        "ppo": PPOConfig(num_steps=T, minibatch_size=16, num_epochs=2),
        "a2c": A2CConfig(num_steps=T),
        "imitation": ImitationConfig(num_steps=T, minibatch_size=16),
    }
    return TrainConfig(**{**settings, **changes})


def choices(config: TrainConfig) -> PixelChoice:
    return PixelChoice(config.num_envs)


def grid_config(**changes: Any) -> TrainConfig:
    sizes = {"cell_dim": 4, "word_dim": 4, "instruction_dim": 4, "readout_dim": 2, "hidden_dim": 8}
    return make_config(task="BabyAI-GoToObjS4-v0", bank_size=16, agent=AgentConfig(**sizes), **changes)


def ends(config: TrainConfig, steps: int) -> tuple[list[int], list[int]]:
    """When episodes end of an agent that does nothing: lengths of those cut off, and their limits in the bank."""
    envs: Any = make_training_envs(config)
    envs.reset(seed=0)
    lengths: list[int] = []
    for _ in range(steps):
        *_, truncated, infos = envs.step(np.full(B, DONE))
        if truncated.any():
            lengths += infos["final_info"]["episode"]["l"][truncated].tolist()
    return lengths, config.training_bank(progress=False).max_steps.tolist()


def test_training_episodes_have_a_share_of_their_time_and_the_bank_all_of_it() -> None:
    whole, limits = ends(grid_config(), 20)
    hurried, same_limits = ends(grid_config(time_share=0.26), 20)
    assert limits == same_limits == [16] * 16
    assert set(whole) == {16}
    assert set(hurried) == {5}  # 4.16, rounded up


def test_environments_of_a_configuration_play_its_bank_and_can_be_saved() -> None:
    envs: Any = make_training_envs(grid_config())
    assert envs.num_envs == B
    assert len(envs.bank) == 16
    assert isinstance(envs, SavableEnvs)
    assert spec_of(envs) == GRID.spec(CLAUSE_TOKENS)
    assert warmup_updates(envs, 3) == [6]  # episodes of at most 16 steps
    assert warmup_updates(envs, 16) == [1]


def test_episodes_of_rovers_last_as_many_updates_as_their_slower_steps_need() -> None:
    """A rover drives a cell in several steps, and its time limits are so many times longer."""
    sees = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), hidden_dim=8)
    changes = {"body": "rover", "camera": Camera(width=40, height=32), "agent": sees}
    envs: Any = make_training_envs(dataclasses.replace(grid_config(), **changes))
    longest = envs.worlds.time_scale * 16
    assert envs.worlds.time_scale > 1
    assert warmup_updates(envs, 1) == [longest]
    assert warmup_updates(envs, 7) == [-(-longest // 7)]
    assert longest % 7, "the share of an update is not tested"
    envs.reset(seed=0)
    lengths: list[int] = []
    while not lengths:
        *_, truncated, infos = envs.step(np.zeros(B, dtype=np.int64))
        lengths += infos["final_info"]["episode"]["l"][truncated].tolist() if truncated.any() else []
    assert lengths[0] == longest


def test_several_tasks_have_warm_ups_of_their_own() -> None:
    tasks = ("BabyAI-GoToObjS4-v0", "BabyAI-GoToLocal-v0")
    envs: Any = make_training_envs(dataclasses.replace(grid_config(), tasks=tasks))
    assert warmup_updates(envs, 10) == [2, 7]  # episodes of at most 16 and of at most 64 steps


def test_environments_of_another_maker_tell_what_the_agent_is_built_for() -> None:
    envs = PixelChoice(2)
    assert not isinstance(envs, SavableEnvs)
    assert spec_of(envs) == rgb_spec(SIZE, SIZE, 2, VOCABULARY_SIZE, length=3)
    assert warmup_updates(envs, 3) == [1]
    envs.vocabulary_size = 40  # type: ignore[attr-defined]
    assert len(spec_of(envs).vocabulary) == 40


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_run_in_environments_of_another_maker_is_logged_and_saved_whole(algorithm: Any, tmp_path: Path) -> None:
    config = make_config(algorithm=algorithm)
    result = train(config, tmp_path, make_envs=choices)
    rows = read_metrics(tmp_path)
    assert [row["frames"] for row in rows] == [32, 64, 96]
    assert all(row["episodes"] == B * T and 0 <= row["success"] <= 1 for row in rows)
    assert all(row["return"] == pytest.approx(row["success"]) for row in rows)
    checkpoint = Checkpoint.load(tmp_path / CHECKPOINT_NAME)
    assert checkpoint.spec == rgb_spec(SIZE, SIZE, 2, VOCABULARY_SIZE, length=3)
    agent = checkpoint.make_agent()
    assert all(torch.equal(value, agent.state_dict()[name]) for name, value in result.agent.state_dict().items())


def test_rollout_s_images_stay_bytes(tmp_path: Path) -> None:
    trainer = Trainer(make_config(), tmp_path, make_envs=choices)
    observation = trainer.algorithm.collector.collect().observation
    assert {key: (tuple(array.shape), array.dtype) for key, array in observation.items()} == {
        "image": ((T, B, SIZE, SIZE, 3), torch.uint8),
        "instruction": ((T, B, 3), torch.int64),
    }
    assert observation["image"].any()


def test_environments_that_cannot_be_saved_begin_new_episodes_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = train(make_config(), tmp_path / "whole", make_envs=choices)
    Trainer(make_config(), tmp_path / "parts", make_envs=choices).run(stop_after_updates=1)
    assert caplog.records == []
    first = PixelChoice(B)
    first.reset(seed=0)
    trainer = Trainer(make_config(), tmp_path / "parts", resume=True, make_envs=choices)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "PixelChoice cannot be saved: the run goes on from 32 frames with new episodes" in record.message
    fresh = Trainer(make_config(), tmp_path / "other", make_envs=choices)
    assert not np.array_equal(
        trainer.algorithm.collector.observation["image"], fresh.algorithm.collector.observation["image"]
    )
    assert trainer.algorithm.collector.is_first.all()
    parts = trainer.run()
    assert parts.frames == whole.frames == 3 * B * T
    assert [row["frames"] for row in read_metrics(tmp_path / "parts")] == [32, 64, 96]


def test_own_environments_are_resumed_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Trainer(grid_config(), tmp_path).run(stop_after_updates=1)
    Trainer(grid_config(), tmp_path, resume=True)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "bc"}, "learns from an expert that walks the grid"),
        ({"algorithm": "dagger"}, "learns from an expert that walks the grid"),
        ({"agent": AgentConfig()}, "choose the agent's vision 'cnn'"),
    ],
)
def test_what_these_environments_cannot_do_is_refused_and_they_are_closed(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    made: list[PixelChoice] = []

    def make(config: TrainConfig) -> PixelChoice:
        made.append(PixelChoice(config.num_envs))
        return made[0]

    with pytest.raises(ConfigurationError, match=message):
        Trainer(make_config(**changes), tmp_path, make_envs=make)
    assert made[0].closed_times == 1


def test_agent_of_other_environments_cannot_be_gone_on_with(tmp_path: Path) -> None:
    class Wider(PixelChoice):
        def __init__(self, num_envs: int) -> None:
            super().__init__(num_envs)
            self.single_action_space = spaces.Discrete(5)

    made: list[type[PixelChoice]] = [PixelChoice]

    def latest(config: TrainConfig) -> PixelChoice:
        return made[-1](config.num_envs)

    Trainer(make_config(), tmp_path / "run", make_envs=latest).run(stop_after_updates=1)
    made.append(Wider)
    with pytest.raises(ConfigurationError, match=r"was built for .*actions are 0, 1, 2, 3, 4, not 0, 1 in these"):
        Trainer(make_config(), tmp_path / "run", resume=True, make_envs=latest)
    started = make_config(init=str(tmp_path / "run"))
    with pytest.raises(ConfigurationError, match=r"was built for .*actions are 0, 1, 2, 3, 4, not 0, 1 in these"):
        Trainer(started, tmp_path / "other", make_envs=lambda config: Wider(config.num_envs))
    assert not (tmp_path / "other").exists()  # what never began leaves no folder
    Trainer(started, tmp_path / "same", make_envs=choices)


def test_new_agent_is_calibrated_once_and_one_that_goes_on_is_not(tmp_path: Path) -> None:
    """It takes the first pictures' mean off; what goes on, in its folder or in another, keeps what it learned with."""
    trainer = Trainer(make_config(), tmp_path / "first", make_envs=choices)
    mean = torch.as_tensor(trainer.algorithm.collector.observation["image"]).float().mean(dim=0).permute(2, 0, 1) / 255
    torch.testing.assert_close(trainer.agent.encoder.background, mean)
    trainer.run(stop_after_updates=1)
    resumed = Trainer(make_config(), tmp_path / "first", resume=True, make_envs=choices)
    other = Trainer(make_config(init=str(tmp_path / "first"), seed=2), tmp_path / "other", make_envs=choices)
    assert not torch.equal(
        torch.as_tensor(other.algorithm.collector.observation["image"][0]).permute(2, 0, 1) / 255, mean
    )
    for later in (resumed, other):
        torch.testing.assert_close(later.agent.encoder.background, mean)


def test_checkpoint_whose_space_does_not_suit_its_agent_is_refused(tmp_path: Path) -> None:
    Trainer(make_config(), tmp_path, make_envs=choices).run(stop_after_updates=1)
    checkpoint = Checkpoint.load(tmp_path / CHECKPOINT_NAME)
    for spec in (GRID.spec(CLAUSE_TOKENS), rgb_spec(SIZE, SIZE, 3, VOCABULARY_SIZE)):
        with pytest.raises(CheckpointError, match="do not fit its configuration"):
            dataclasses.replace(checkpoint, spec=spec).make_agent()


# Whose environments a run was trained in


def test_run_of_another_maker_knows_that_it_is(tmp_path: Path) -> None:
    trainer = Trainer(make_config(), tmp_path, make_envs=choices)
    name = f"{__name__}:choices"
    assert (trainer.config.made_by, trainer.config.task, trainer.config.tasks) == (name, name, ())
    trainer.run(stop_after_updates=1)
    assert resume_config(tmp_path) == Checkpoint.load(tmp_path / CHECKPOINT_NAME).config == trainer.config
    assert Trainer(resume_config(tmp_path), tmp_path, resume=True, make_envs=choices).frames == B * T


def test_maker_is_known_by_its_function_whatever_was_given_to_it_before() -> None:
    assert name_of_maker(functools.partial(choices)) == name_of_maker(choices) == f"{__name__}:choices"
    assert name_of_maker(PixelChoice) == "pixel_choice:PixelChoice"  # type: ignore[arg-type]


def test_run_of_another_maker_is_not_gone_on_with_in_other_environments(tmp_path: Path) -> None:
    Trainer(make_config(), tmp_path, make_envs=choices).run(stop_after_updates=1)
    before = (tmp_path / CHECKPOINT_NAME).read_bytes()
    with pytest.raises(ConfigurationError, match=f"that {__name__}:choices made, .*make_envs") as error:
        Trainer(resume_config(tmp_path), tmp_path, resume=True)
    assert "\n" not in str(error.value)
    with pytest.raises(ConfigurationError, match="make_envs") as error:
        Trainer(resume_config(tmp_path), tmp_path / "new")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "new").exists()
    assert (tmp_path / CHECKPOINT_NAME).read_bytes() == before


def test_run_of_a_task_is_not_gone_on_with_in_environments_of_another_maker(tmp_path: Path) -> None:
    Trainer(grid_config(), tmp_path).run(stop_after_updates=1)
    with pytest.raises(ConfigurationError, match=r"in BabyAI-GoToObjS4-v0, .*resume it without make_envs") as error:
        Trainer(resume_config(tmp_path), tmp_path, resume=True, make_envs=choices)
    assert "\n" not in str(error.value)
    assert Trainer(resume_config(tmp_path), tmp_path, resume=True).frames == B * T


def test_curriculum_needs_several_tasks() -> None:
    with pytest.raises(ConfigurationError, match="chooses among several tasks"):
        make_config(curriculum=CurriculumConfig(kind="progress"))
