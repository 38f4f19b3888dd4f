"""Presets: settings of runs that can be made."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from groundling.agents import AgentConfig
from groundling.configuration import changed
from groundling.envs.catalog import find_family
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.chaplot.rules import GROUNDED_RULES
from groundling.envs.first_person import Camera
from groundling.envs.simulators.doom_vector import ChaplotDoomVectorEnv
from groundling.envs.specification import spec_of
from groundling.training import PPOConfig, Trainer
from groundling.training.environments import make_training_envs
from groundling.training.presets import PRESETS, Preset


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "doom"])
def test_run_of_a_preset_trains(preset: Preset, tmp_path: Path) -> None:
    config = PRESETS[preset]
    own = config.algorithm_settings
    settings = changed(config.settings, type(own), {"minibatch_size": 8 * own.num_steps})
    small = dataclasses.replace(config, bank_size=32, num_envs=16, total_frames=1, settings=settings)
    result = Trainer(small, tmp_path).run()
    assert result.frames == small.rollout_frames
    assert result.metrics["gradient_norm"] > 0


def test_preset_of_pixels_sees_as_wide_as_the_rules_of_its_rooms_say() -> None:
    camera = PRESETS["pixels"].camera
    assert math.radians(camera.fov_degrees) == pytest.approx(GROUNDED_RULES.field_of_view_rad, abs=1e-4)


def test_preset_of_the_papers_network_sees_and_learns_as_ours() -> None:
    config, ours = PRESETS["chaplot"], PRESETS["pixels"]
    assert config.agent == AgentConfig.chaplot()
    assert dataclasses.replace(config, agent=ours.agent, total_frames=ours.total_frames) == ours


def test_preset_of_vizdoom_names_its_task_and_draws_what_its_agent_sees() -> None:
    config = PRESETS["doom"]
    assert not isinstance(find_family(config.task), BankFamily)
    assert config.agent == PRESETS["pixels"].agent
    assert config.rollout_frames % config.settings_of(PPOConfig).minibatch_size == 0


def test_run_in_vizdoom_sees_with_its_own_camera() -> None:
    pytest.importorskip("vizdoom")
    config = dataclasses.replace(PRESETS["doom"], camera=Camera(width=100, height=36, horizon=0.3))
    envs = make_training_envs(config)  # no engine is started before the first reset
    assert isinstance(envs, ChaplotDoomVectorEnv)
    assert [(env.image_size, env.horizon) for env in envs.envs] == [((100, 36), 0.3)] * config.num_envs
    assert spec_of(envs).observation["image"].shape == (36, 100, 3)
    envs.close()
