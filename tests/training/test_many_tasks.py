"""Runs over several tasks: what is logged of each, what is refused, and that they go on bit by bit after a stop."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_loop import assert_same, checkpoint_of, make_config, metrics_of

from groundling.agents import ActorCritic
from groundling.cli import parse
from groundling.cli.options import config_of as config_of_options
from groundling.envs import Split, TaskMixture, build_bank, make_vec
from groundling.errors import ConfigurationError, TaskError, UnknownEnvironmentError, UnsupportedLevelError
from groundling.training import Checkpoint, CurriculumConfig, TrainConfig, Trainer, resume_config, train
from groundling.training.logs import TENSORBOARD_NAME, read_metrics
from groundling.training.statistics import EpisodeStatistics

TASKS = ("BabyAI-GoToObjS4-v0", "BabyAI-PickupDistDebug-v0", "groundling/GoToLocal-v0")  # the last one's id is BabyAI's
IDS = (*TASKS[:2], "BabyAI-GoToLocal-v0")
STAGES = CurriculumConfig(kind="stages", promotion=(0.001,), window=4, rehearsal=0.5)
PROGRESS = CurriculumConfig(kind="progress", fast_episodes=4, slow_episodes=16)
FAILURES = CurriculumConfig(kind="failures", fast_episodes=4, slow_episodes=16)
INSTRUCTIONS = CurriculumConfig(kind="failures", of="instructions", fast_episodes=4, slow_episodes=16)


def config_of(curriculum: CurriculumConfig, **changes: Any) -> TrainConfig:
    settings = {"tasks": TASKS, "curriculum": curriculum, "num_envs": 16, "total_frames": 16 * 12 * 9, **changes}
    return make_config(**settings)


@pytest.mark.parametrize("curriculum", [STAGES, PROGRESS, FAILURES])
def test_resumed_run_over_several_tasks_is_bit_equal(curriculum: CurriculumConfig, tmp_path: Path) -> None:
    config = config_of(curriculum)
    train(config, tmp_path / "whole")
    shares = [[row[f"share/{task}"] for task in IDS] for row in metrics_of(tmp_path / "whole")]
    changes = [update for update in range(1, 9) if shares[update] != shares[update - 1]]
    assert changes, "the shares never changed: nothing of the curriculum is tested"
    for place, updates in enumerate((changes[0] - 1, 2, 9)):  # within a stage, and right after one began
        Trainer(config, tmp_path / "parts", resume=place > 0).run(stop_after_updates=updates)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(Checkpoint):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert metrics_of(tmp_path / "parts") == metrics_of(tmp_path / "whole")


def test_resumed_run_over_instructions_is_bit_equal_and_logs_nothing_of_each(tmp_path: Path) -> None:
    config = make_config(curriculum=INSTRUCTIONS, num_envs=16, total_frames=16 * 12 * 6)
    trainer = Trainer(config, tmp_path / "whole")
    trainer.run()
    shares = trainer.compiled_envs.shares if trainer.compiled_envs is not None else np.zeros(0)
    assert shares.max() > 2 * shares.min()
    Trainer(config, tmp_path / "parts").run(stop_after_updates=3)
    Trainer(config, tmp_path / "parts", resume=True).run()
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(Checkpoint):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert not [name for row in read_metrics(tmp_path / "whole") for name in row if "/" in name]


def test_instructions_that_fail_are_drawn_more_often(tmp_path: Path) -> None:
    trainer = Trainer(make_config(curriculum=INSTRUCTIONS, num_envs=512), tmp_path)
    assert trainer.compiled_envs is not None
    names = trainer.compiled_envs.tasks
    assert names == trainer.compiled_envs.bank.instructions
    failing = 2
    solved = np.where(np.arange(len(names)) == failing, 0.0, 1.0).tolist()
    state = {"sum": solved, "weight": [1.0] * len(names)}
    trainer.curriculum.load_state_dict({"updates": 9, "fast": state, "slow": state})
    trainer.compiled_envs.set_shares(trainer.curriculum.shares())
    trainer.compiled_envs.reset()
    asked = np.array([text == names[failing] for text in trainer.compiled_envs.instructions])
    assert asked.mean() == pytest.approx(trainer.compiled_envs.shares[failing], abs=0.08)
    assert trainer.compiled_envs.shares[failing] > 0.5


@pytest.mark.parametrize("settings", [{"task": "groundling/GroundedDoom-Easy-v0"}, {"tasks": TASKS}])
def test_curriculum_of_instructions_needs_a_bank_of_one_task(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="a curriculum of instructions is"):
        make_config(curriculum=INSTRUCTIONS, **settings)


def test_log_tells_success_share_and_episodes_of_each_task(tmp_path: Path) -> None:
    train(config_of(STAGES), tmp_path)
    rows = read_metrics(tmp_path)
    assert [row["stage"] for row in rows] == sorted(row["stage"] for row in rows)
    assert rows[0]["stage"] == 1
    assert rows[-1]["stage"] > 1
    for row in rows:
        newest = int(row["stage"]) - 1
        expected = [0.5 / newest if place < newest else 0.0 for place in range(3)]
        expected[newest] = 0.5 if newest else 1.0
        assert [row[f"share/{task}"] for task in IDS] == pytest.approx(expected)
        episodes = [row[f"episodes/{task}"] for task in IDS]
        assert sum(episodes) == row["episodes"]
    assert all(f"success/{task}" in rows[-1] for task in IDS if rows[-1][f"share/{task}"])
    events = EventAccumulator(str(tmp_path / TENSORBOARD_NAME))
    events.Reload()
    tags = {f"task/{kind}/{task}" for kind in ("share", "episodes") for task in IDS}
    assert {*tags, f"task/success/{IDS[0]}", "curriculum/stage"} <= set(events.Tags()["scalars"])
    share = events.Scalars(f"task/share/{IDS[1]}")[-1].value
    assert share == pytest.approx(rows[-1][f"share/{IDS[1]}"])


def test_run_of_one_task_logs_nothing_of_tasks(tmp_path: Path) -> None:
    metrics = train(make_config(total_frames=1), tmp_path).metrics
    assert not [name for name in metrics if "/" in name or name == "stage"]


def test_tasks_are_drawn_as_the_curriculum_says(tmp_path: Path) -> None:
    trainer = Trainer(config_of(STAGES), tmp_path)
    mixture = trainer.envs.worlds.mixture
    assert mixture.tasks == IDS
    assert set(mixture.task_of(trainer.envs.worlds.state.episode)) == {0}
    trainer.curriculum.load_state_dict({"newest": 2, "updates": 0, "recent": []})
    trainer.train_once()
    assert trainer.envs.shares.tolist() == pytest.approx([0.25, 0.25, 0.5])


def test_each_task_trains_on_the_bank_that_it_has_alone() -> None:
    config = config_of(PROGRESS)
    mixture = config.training_mixture(progress=False)
    assert config.training_bank(progress=False).instructions == mixture.bank.instructions
    for place, task in enumerate(TASKS):
        alone = config.alone(task)
        assert (alone.task, alone.tasks, alone.curriculum) == (task, (), CurriculumConfig())
        bank = alone.training_bank(progress=False)
        rows = slice(*mixture.starts[place : place + 2])
        assert np.array_equal(mixture.bank.seeds[rows], bank.seeds)
        assert [mixture.bank.instruction(row) for row in range(rows.start, rows.stop)] == [
            bank.instruction(row) for row in range(len(bank))
        ]
        assert Split.from_dict(json.loads(bank.split)).held_out == config.held_out
        assert not any(pair in text for text in bank.instructions for pair in config.held_out.combinations)


def test_statistics_are_taken_by_task() -> None:
    statistics = EpisodeStatistics(("A", "B", "C"))
    for ended, task, success in (
        ([True, False, True], [2, 0, 0], [True, False, False]),
        ([True, True, False], [2, 0, 1], [False, True, True]),
    ):
        info = {
            "episode": {"r": np.array(success) * 0.5, "l": np.array([3, 4, 5])},
            "success": np.array(success),
            "task": np.array(task),
        }
        statistics.add({"final_info": info}, np.array(ended))
    assert [list(successes) for successes in statistics.successes_by_task()] == [[False, True], [], [True, False]]
    taken = statistics.take()
    assert taken["success/A"] == taken["success/C"] == taken["success"] == 0.5
    assert np.isnan(taken["success/B"])
    assert [taken[f"episodes/{name}"] for name in "ABC"] == [2, 0, 2]
    assert (taken["episodes"], taken["return"], taken["episode_length"]) == (4, 0.25, 3.75)
    assert statistics.take()["episodes"] == 0


def test_memory_and_tasks_of_other_lengths_train_together(tmp_path: Path) -> None:
    """Instructions of up to four clauses are longer rows of tokens, which the others are padded to."""
    tasks = ("BabyAI-GoToObjS4-v0", "BabyAI-GoToSeqS5R2-v0")
    trainer = Trainer(config_of(CurriculumConfig(), memory="gru", tasks=tasks, bank_size=8), tmp_path)
    assert trainer.envs.bank.instruction_length == 96
    before = [p.clone() for p in trainer.agent.parameters()]
    metrics = trainer.train_once()
    assert metrics["share/BabyAI-GoToSeqS5R2-v0"] == 0.5
    assert not all(torch.equal(old, new) for old, new in zip(before, trainer.agent.parameters(), strict=True))


def test_agent_hears_the_same_however_far_an_instruction_is_padded() -> None:
    """So that what it learned in a mixture can be evaluated on each task's own bank."""
    config = config_of(CurriculumConfig(), tasks=("BabyAI-GoToObjS4-v0", "BabyAI-GoToSeqS5R2-v0"), bank_size=8)
    torch.manual_seed(0)
    agent = ActorCritic(config.agent).eval()
    own = build_bank("BabyAI-GoToObjS4-v0", 8, progress=False)
    mixed = TaskMixture.of([own, build_bank("BabyAI-GoToSeqS5R2-v0", 8, progress=False)])
    logits = []
    for bank in (own, mixed):
        observation, _ = make_vec(bank=bank, num_envs=8, shuffle=False).reset()
        with torch.no_grad():
            state, is_first = agent.initial_state(8), torch.ones(1, 8, dtype=torch.bool)
            logits.append(agent(agent.prepare(observation), state, is_first).logits)
    torch.testing.assert_close(logits[0], logits[1])


# Bad input


@pytest.mark.parametrize("kind", ["uniform", "stages", "progress"])
def test_unknown_task_of_a_curriculum_is_named_with_the_nearest_ids_and_no_folder_is_made(
    kind: Any, tmp_path: Path
) -> None:
    config = config_of(CurriculumConfig(kind=kind), tasks=("BabyAI-GoToObjS4-v0", "BabyAI-GoToLocall-v0"))
    with pytest.raises(
        UnknownEnvironmentError, match=r"task 2 of the 2 to train on, 'BabyAI-GoToLocall-v0': .*BabyAI-GoToLocal-v0"
    ):
        Trainer(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("task", "error"), [("MiniGrid-Empty-5x5-v0", UnsupportedLevelError), ("nowhere.py:Task", TaskError)]
)
def test_task_that_cannot_be_used_is_named_among_the_others(task: str, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error, match=f"task 1 of the 2 to train on, '{task}'"):
        Trainer(config_of(PROGRESS, tasks=(task, TASKS[0])), tmp_path / "run")


def test_task_named_twice_is_refused_whatever_the_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name BabyAI-GoToLocal-v0 twice"):
        Trainer(config_of(PROGRESS, tasks=("BabyAI-GoToLocal-v0", "groundling/GoToLocal-v0")), tmp_path / "run")


def test_curriculum_of_one_task_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="several tasks"):
        make_config(curriculum=STAGES)
    with pytest.raises(ConfigurationError, match="3 tasks have 2 promotions"):
        config_of(CurriculumConfig(kind="stages", promotion=(0.5, 0.5, 0.5)))


@pytest.mark.parametrize("setting", ["tasks", "curriculum"])
def test_resuming_with_other_tasks_is_refused(setting: str, tmp_path: Path) -> None:
    Trainer(config_of(PROGRESS), tmp_path).run(stop_after_updates=1)
    value = TASKS[:2] if setting == "tasks" else CurriculumConfig()
    with pytest.raises(ConfigurationError, match=f"another {setting}"):
        train(dataclasses.replace(config_of(PROGRESS), **{setting: value}), tmp_path, resume=True)


# Configuration


def test_configuration_of_several_tasks_comes_back_from_json(tmp_path: Path) -> None:
    config = config_of(CurriculumConfig(kind="stages", promotion=(0.5, 0.75), rehearsal=0.1))
    again = TrainConfig.from_json(config.to_json())
    assert again == config
    assert again.tasks == TASKS
    assert again.curriculum.promotion == (0.5, 0.75)
    Trainer(config, tmp_path)
    assert resume_config(tmp_path) == config


@pytest.mark.parametrize(
    "changes",
    [{"tasks": "BabyAI-GoToLocal-v0"}, {"tasks": [3]}, {"tasks": None}, {"curriculum": "stages"}, {"curriculum": {}}],
)
def test_text_that_is_no_configuration_of_tasks_is_refused(changes: dict[str, Any]) -> None:
    text = json.dumps({**json.loads(config_of(PROGRESS).to_json()), **changes})
    with pytest.raises(ConfigurationError, match="not one of this version"):
        TrainConfig.from_json(text)


def test_one_task_may_be_given_either_way() -> None:
    assert make_config(task=TASKS[0]).task_ids == make_config(tasks=TASKS[:1]).task_ids == TASKS[:1]
    assert config_of(PROGRESS).task_ids == TASKS


def test_command_of_several_tasks_reads_as_it_is_documented() -> None:
    def read(*options: str) -> TrainConfig:
        command = parse("train", options)
        return config_of_options(command.options, command.parts)

    config = read("--tasks", *TASKS, "--curriculum", "stages")
    assert (config.tasks, config.curriculum) == (TASKS, CurriculumConfig(kind="stages"))
    options = ["--curriculum", "progress", "--curriculum.exploration", "0.1"]
    config = read("--tasks", *TASKS, *options)
    assert config.curriculum == CurriculumConfig(kind="progress", exploration=0.1)
    options = ["--curriculum", "stages", "--curriculum.promotion", "0.8", "0.7"]
    assert read("--tasks", *TASKS, *options).curriculum.promotion == (0.8, 0.7)
    assert read() == TrainConfig()
