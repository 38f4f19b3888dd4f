"""`groundling train --config FILE`."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from groundling.agents import AgentConfig
from groundling.agents.encoders.symbolic import SymbolicConfig
from groundling.cli import main, parse
from groundling.cli.options import config_of
from groundling.envs import HeldOut
from groundling.training import A2CConfig, PPOConfig, TrainConfig
from groundling.training.presets import PRESETS, Preset


def told_by(path: Path, *options: str) -> TrainConfig:
    command = parse("train", ["--config", str(path), *options])
    return config_of(command.options, command.parts)


def written(folder: Path, content: str | dict[str, Any], name: str = "options.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("preset", PRESETS)
def test_configuration_of_a_run_is_read_back_whole(preset: Preset, tmp_path: Path) -> None:
    own = PRESETS[preset]
    own = dataclasses.replace(own, settings=(own.algorithm_settings,), seed=9)
    assert told_by(written(tmp_path, own.to_json())) == own


def test_options_of_the_command_line_win(tmp_path: Path) -> None:
    path = written(tmp_path, {"seed": 5, "ppo": {"gamma": 0.5, "clip": 0.3}})
    config = told_by(path, "--seed", "6", "--ppo.gamma", "0.7")
    assert config.seed == 6
    assert config.settings_of(PPOConfig) == PPOConfig(gamma=0.7, clip=0.3)


YAML = """
preset: symbols
algorithm: a2c
total-frames: 1e6
a2c.learning-rate: 1e-4
agent:
  hidden-dim: 24
  map-radius: 3
held_out:
  factors: [combination]
  combinations: [red ball]
reward: [environment]
"""
TOML = """
preset = "symbols"
algorithm = "a2c"
total-frames = 1e6
a2c.learning-rate = 1e-4
reward = ["environment"]
[agent]
hidden-dim = 24
map-radius = 3
[held_out]
factors = ["combination"]
combinations = ["red ball"]
"""


@pytest.mark.parametrize(("name", "text"), [("a.yaml", YAML), ("a.yml", YAML), ("a.toml", TOML)])
def test_names_are_those_of_the_command_line(name: str, text: str, tmp_path: Path) -> None:
    expected = TrainConfig(
        algorithm="a2c",
        total_frames=1_000_000,
        held_out=HeldOut(factors=("combination",), combinations=("red ball",)),
        agent=AgentConfig(hidden_dim=24, settings=(SymbolicConfig(map_radius=3),)),
        settings=(A2CConfig(learning_rate=1e-4),),
    )
    assert told_by(written(tmp_path, text, name)) == expected


def test_file_changes_the_preset_that_is_named_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, {"num_envs": 32, "agent": {"readout_dim": 8}})
    own = PRESETS["pixels"]
    settings = (dataclasses.replace(own.agent.vision_settings, readout_dim=8),)
    agent = dataclasses.replace(own.agent, settings=settings)
    assert told_by(path, "--preset", "pixels") == dataclasses.replace(own, num_envs=32, agent=agent)


def test_task_and_seed_of_the_command_line_win_over_tasks_and_seeds(tmp_path: Path) -> None:
    tasks = ["BabyAI-GoToLocal-v0", "BabyAI-GoToObj-v0"]
    path = written(tmp_path, {"tasks": tasks, "seeds": [1, 2], "jobs": 2, "run_folder": "there"})
    command = parse("train", ["--config", str(path)])
    assert (command.seeds, command.jobs, command.run_folder) == ((1, 2), 2, Path("there"))
    assert config_of(command.options, command.parts).task_ids == tuple(tasks)
    command = parse("train", ["--config", str(path), "--task", "BabyAI-GoToObjS4-v0", "--seed", "4"])
    assert command.seeds == ()
    config = config_of(command.options, command.parts)
    assert (config.task_ids, config.seed) == (("BabyAI-GoToObjS4-v0",), 4)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", {"sed": 1}, "a.json has no setting 'sed'; did you mean seed?"),
        ("a.json", {"ppo": {"gama": 1}}, "a.json: ppo has no setting 'gama'; did you mean gamma?"),
        ("a.json", {"ppo.gama": 1}, "a.json: ppo has no setting 'gama'; did you mean gamma?"),
        ("a.json", {"agent": {"hiden_dim": 1}}, "a.json: agent has no setting 'hiden_dim'; did you mean hidden_dim?"),
        ("a.json", {"agent": {"map_radus": 1}}, "a.json: agent has no setting 'map_radus'; did you mean map_radius?"),
        ("a.json", {"held_out": {"factor": []}}, "held_out has no setting 'factor'; did you mean factors?"),
        ("a.json", {"algorithm": "ppoo"}, "there is no algorithm 'ppoo'; did you mean 'ppo'?"),
        ("a.json", {"preset": "maze"}, "there is no preset 'maze'"),
        ("a.json", {"seed": "x"}, "a.json: seed is a whole number, not 'x'"),
        ("a.json", {"seed": 1.5}, "a.json: seed is a whole number, not 1.5"),
        ("a.json", {"seed": True}, "a.json: seed is a whole number, not True"),
        ("a.json", {"ppo": {"gamma": "high"}}, "a.json: ppo.gamma is a number, not 'high'"),
        ("a.json", {"agent": {"blind": 1}}, "a.json: agent.blind is true or false, not 1"),
        ("a.json", {"reward": "environment"}, "a.json: reward is a list, not 'environment'"),
        ("a.json", {"ppo": 3}, "a.json: ppo is a table of settings, not 3"),
        ("a.json", {"task": 3}, "a.json: task is text, not 3"),
        ("a.json", {"num_envs": 0}, "num_envs must be at least 1"),
        ("a.json", {"num-envs": 1, "num_envs": 2}, "says num_envs twice"),
        ("a.json", {"ppo.gamma": 1, "ppo": {"gamma": 1}}, "ppo.gamma is said twice"),
        ("a.json", "{", "a.json is not valid JSON"),
        ("a.json", "[1]", "a.json holds no options"),
        ("a.toml", "x", "a.toml is not valid TOML"),
        ("a.yaml", "a: [", "a.yaml is not valid YAML"),
        ("a.txt", "seed: 1", "a file of options ends in .json, .toml, .yaml or .yml"),
        ("missing.json", None, "could not be read from"),
    ],
)
def test_mistake_in_a_file_is_told_in_one_line(
    name: str,
    content: str | dict[str, Any] | None,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        written(tmp_path, content, name)
    assert main(["train", "--config", name, "--total-frames", "1"]) == 2
    complaint = capsys.readouterr().err
    assert told in complaint
    assert complaint.count("\n") == 1


def test_yaml_without_its_package_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert main(["train", "--config", str(written(tmp_path, "seed: 1", "a.yaml"))]) == 2
    assert "pip install pyyaml; or write JSON or TOML" in capsys.readouterr().err


def test_run_in_environments_of_ones_own_needs_a_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = dataclasses.replace(TrainConfig(), made_by="my_file:make")
    assert main(["train", "--config", str(written(tmp_path, config.to_json()))]) == 2
    assert "name its task with --task" in capsys.readouterr().err
