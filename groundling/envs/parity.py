"""Parity: the compiled world against MiniGrid's own environment, the same seeds and actions, step by step."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from groundling.envs.bank import EpisodeBank
from groundling.envs.constants import NUM_ACTIONS, VIEW_SIZE
from groundling.envs.worlds import WorldBatch


@dataclass(frozen=True)
class ParityResult:
    """What a comparison found.

    Attributes:
        level: id of the level.
        episodes: seeds played.
        steps: steps compared.
        mismatches: one line for each episode that differed, naming its first difference.
    """

    level: str
    episodes: int
    steps: int
    mismatches: tuple[str, ...]


def compare_with_minigrid(
    level: str,
    seeds: Sequence[int],
    *,
    max_steps: int | None = None,
    action_weights: Sequence[float] = (1.0,) * NUM_ACTIONS,
    action_seed: int = 1,
) -> ParityResult:
    """Play the same seeds with the same random actions in both worlds until each episode ends.

    Image, direction, mission, reward, terminated and truncated must be equal after reset and after every step.

    Args:
        level: id of the level.
        seeds: of the level's generator, each given to a freshly made environment.
        max_steps: stop an episode after this many steps; None follows it to its end.
        action_weights: relative frequency of each action.
        action_seed: of the actions.
    """
    bank = EpisodeBank.from_minigrid(level, seeds)
    batch = WorldBatch(bank, len(seeds), shuffle=False)
    batch.reset()
    weights = np.array(action_weights) / np.sum(action_weights)
    rng = np.random.default_rng(action_seed)
    mismatches: list[str] = []
    steps = 0
    with contextlib.redirect_stdout(io.StringIO()):
        references = [gymnasium.make(level, disable_env_checker=True).unwrapped for _ in seeds]
        running = np.ones(len(seeds), dtype=np.bool_)
        for row, (env, seed) in enumerate(zip(references, seeds, strict=True)):
            expected, _ = env.reset(seed=int(seed))
            different = _different_view(batch, row, expected)
            if bank.instruction(row) != expected["mission"]:
                different = "mission"
            if different:
                mismatches.append(f"{level} seed {seed} at reset: {different}")
                running[row] = False
        while running.any():
            actions = rng.choice(NUM_ACTIONS, size=len(seeds), p=weights)
            batch.step(actions, autoreset=False)
            for row in np.flatnonzero(running).tolist():
                expected, *outcome, _ = references[row].step(int(actions[row]))
                different = _different_outcome(batch, row, outcome) or _different_view(batch, row, expected)
                taken = int(batch.state.step_count[row])
                steps += 1
                if different:
                    mismatches.append(f"{level} seed {seeds[row]} step {taken}: {different}")
                if different or outcome[1] or outcome[2] or taken == max_steps:
                    running[row] = False
    return ParityResult(level, len(seeds), steps, tuple(mismatches))


def _different_view(batch: WorldBatch, row: int, expected: dict[str, Any]) -> str:
    seen = batch.observations
    if not np.array_equal(seen.image[row].reshape(VIEW_SIZE, VIEW_SIZE, 3), expected["image"]):
        return "image"
    return "" if seen.direction[row] == expected["direction"] else "direction"


def _different_outcome(batch: WorldBatch, row: int, expected: Sequence[Any]) -> str:
    out = batch.outcomes
    names = ("reward", "terminated", "truncated")
    ours = (out.reward[row], out.terminated[row], out.truncated[row])
    return ", ".join(name for name, own, other in zip(names, ours, expected, strict=True) if own != other)
