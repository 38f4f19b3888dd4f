"""Presets: settings of runs that can be made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from groundling.training import Trainer
from groundling.training.presets import PRESETS, Preset


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "doom"])
def test_run_of_a_preset_trains(preset: Preset, tmp_path: Path) -> None:
    config = PRESETS[preset]
    ppo = dataclasses.replace(config.ppo, minibatch_size=8 * config.ppo.num_steps)
    imitation = dataclasses.replace(config.imitation, minibatch_size=8 * config.imitation.num_steps)
    small = dataclasses.replace(config, bank_size=32, num_envs=16, total_frames=1, ppo=ppo, imitation=imitation)
    result = Trainer(small, tmp_path).run()
    assert result.frames == small.rollout_frames
    assert result.metrics["gradient_norm"] > 0


def test_preset_of_vizdoom_names_its_task_and_draws_what_its_agent_sees() -> None:
    config = PRESETS["doom"]
    assert config.is_foreign
    assert config.agent == PRESETS["pixels"].agent
    assert config.rollout_frames % config.ppo.minibatch_size == 0
