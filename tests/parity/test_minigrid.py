"""The compiled world against MiniGrid's own environment: same seeds, same actions, equal at every step."""

from __future__ import annotations

import contextlib
import io

import gymnasium
import numpy as np
import pytest

from groundling.envs.bank import EpisodeBank
from groundling.envs.levels import minigrid_levels
from groundling.envs.worlds import WorldBatch

SEEDS = range(8)
MAX_STEPS = 150  # of each episode on every run; benchmarks/parity.py follows 200 seeds to their end


def assert_equal_to_minigrid(level: str, seeds: range, *, max_steps: int | None, action_weights: list[float]) -> int:
    """Play the seeds in both worlds until each episode ends; returns the number of steps compared."""
    bank = EpisodeBank.from_minigrid(level, seeds)
    batch = WorldBatch(bank, len(seeds), shuffle=False)
    batch.reset()
    compared = 0
    with contextlib.redirect_stdout(io.StringIO()):
        references = [gymnasium.make(level, disable_env_checker=True).unwrapped for _ in seeds]
        for row, (env, seed) in enumerate(zip(references, seeds, strict=True)):
            expected, _ = env.reset(seed=seed)
            assert_same_view(batch, row, expected, f"{level} seed {seed} at reset")
            assert bank.instruction(row) == expected["mission"]
    rng = np.random.default_rng(1)
    weights = np.array(action_weights) / sum(action_weights)
    running = np.ones(len(seeds), dtype=bool)
    while running.any() and (max_steps is None or compared < max_steps * len(seeds)):
        actions = rng.choice(7, size=len(seeds), p=weights)
        batch.step(actions, autoreset=False)
        for row in np.flatnonzero(running):
            expected, reward, terminated, truncated, _ = references[row].step(int(actions[row]))
            where = f"{level} seed {seeds[row]} step {batch.state.step_count[row]}"
            assert_same_view(batch, row, expected, where)
            assert batch.outcomes.reward[row] == reward, where
            assert batch.outcomes.terminated[row] == terminated, where
            assert batch.outcomes.truncated[row] == truncated, where
            running[row] = not (terminated or truncated)
            compared += 1
    return compared


def assert_same_view(batch: WorldBatch, row: int, expected: dict, where: str) -> None:
    seen = batch.observations.image[row].reshape(7, 7, 3)
    assert np.array_equal(seen, expected["image"]), where
    assert batch.observations.direction[row] == expected["direction"], where


@pytest.mark.parametrize("level", minigrid_levels())
def test_world_equals_minigrid_under_random_actions(level: str) -> None:
    uniform = [1.0] * 7
    assert assert_equal_to_minigrid(level, SEEDS, max_steps=MAX_STEPS, action_weights=uniform) > 0


@pytest.mark.parametrize(
    "level", ["BabyAI-PutNextS5N2Carrying-v0", "BabyAI-PutNextS4N1-v0", "BabyAI-KeyInBox-v0", "BabyAI-UnlockLocal-v0"]
)
def test_world_equals_minigrid_when_objects_are_handled_often(level: str) -> None:
    walking_and_handling = [1.0, 1.0, 3.0, 1.5, 1.0, 1.0, 0.0]
    seeds = range(100, 124)
    assert assert_equal_to_minigrid(level, seeds, max_steps=300, action_weights=walking_and_handling) > 0
