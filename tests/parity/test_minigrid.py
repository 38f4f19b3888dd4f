"""The compiled world against MiniGrid's own environment; benchmarks/parity.py follows 200 seeds of each level."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.envs import kernels, worlds
from groundling.envs.levels import minigrid_levels
from groundling.envs.parity import compare_with_minigrid

SEEDS = range(8)
MAX_STEPS = 150
WALKING_AND_HANDLING = (1.0, 1.0, 3.0, 1.5, 1.0, 1.0, 0.0)


@pytest.mark.parametrize("level", minigrid_levels())
def test_world_equals_minigrid_under_random_actions(level: str) -> None:
    result = compare_with_minigrid(level, SEEDS, max_steps=MAX_STEPS)
    assert result.mismatches == ()
    assert result.steps > 0


@pytest.mark.parametrize(
    "level", ["BabyAI-PutNextS5N2Carrying-v0", "BabyAI-PutNextS4N1-v0", "BabyAI-KeyInBox-v0", "BabyAI-UnlockLocal-v0"]
)
def test_world_equals_minigrid_when_objects_are_handled_often(level: str) -> None:
    seeds = range(100, 124)
    assert compare_with_minigrid(level, seeds, max_steps=300, action_weights=WALKING_AND_HANDLING).mismatches == ()


def test_comparison_notices_a_world_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    def step_then_turn_the_compass(*arguments: object) -> None:
        original(*arguments)
        observations = arguments[2]
        assert isinstance(observations, kernels.Observations)
        observations.direction[:] = (observations.direction + 1) % 4

    original = worlds.kernels.step_batch
    monkeypatch.setattr(worlds.kernels, "step_batch", step_then_turn_the_compass)
    result = compare_with_minigrid("BabyAI-GoToObjS4-v0", range(2), max_steps=5)
    assert len(result.mismatches) == 2
    assert "direction" in result.mismatches[0]
    assert np.all([" step 1:" in line for line in result.mismatches])
