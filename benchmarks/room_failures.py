"""Where an agent of the grounded rooms fails: by what it is asked for, how far that is, and how far to the side.

    python benchmarks/room_failures.py RUN [--suite layout] [--episodes 4096] [--output FILE.json]

RUN is the folder of a run in our own rooms. Likeliest actions, new episodes. "late" is the share of the episodes that
ran out of time, "wrong" of those that ended at another object. Distances are in metres, from the agent's first place to
its goal; angles are in degrees, from where it looks at first. The last line is a JSON object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from launch import launch
from numpy.typing import NDArray

from groundling.envs import EpisodeBank, TaskMixture
from groundling.envs.engine.constants import FIRST_OBJECT
from groundling.envs.families.chaplot.room import look_of
from groundling.envs.vector import GroundlingVectorEnv
from groundling.eval.suites import suite_bank
from groundling.files import write_text
from groundling.language.grounded import OBJECTS, ApparentSize, Superlative
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

DISTANCES = (0.0, 3.0, 4.5, 9.0)
ANGLES = (0.0, 45.5, 90.5, 135.5, 180.5)


@dataclass(frozen=True)
class Options:
    """Measure where an agent of the grounded rooms fails.

    Attributes:
        run_folder: folder of the run.
        suite: where the episodes are from.
        episodes: how many.
        seed: names the episodes.
        output: JSON file for the results.
    """

    run_folder: Annotated[Path, tyro.conf.Positional]
    suite: str = "layout"
    episodes: int = 4096
    seed: int = 0
    output: Path | None = None


def main(options: Options) -> None:
    checkpoint = Checkpoint.load(options.run_folder / CHECKPOINT_NAME)
    bank = suite_bank(checkpoint.config, options.suite, episodes=options.episodes, seed=options.seed)
    success, late = play(checkpoint, bank)
    rows = {name: figures(chosen, success, late) for name, chosen in groups(bank)}
    print(f"{checkpoint.config.task}, {options.suite}, {len(bank)} episodes")
    print(f"{'':<44}{'episodes':>9}{'success':>9}{'late':>7}{'wrong':>7}")
    for name, row in rows.items():
        print(f"{name:<44}{row['episodes']:>9}{row['success']:>9.3f}{row['late']:>7.3f}{row['wrong']:>7.3f}")
    if options.output is not None:
        write_text(options.output, json.dumps(rows, indent=1) + "\n")
    print(json.dumps(rows["all"]))


def play(checkpoint: Checkpoint, bank: EpisodeBank) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which episodes of a bank succeed, and which run out of time; each is played in an environment of its own."""
    agent, count = checkpoint.make_agent(), len(bank)
    mixture = TaskMixture.of([bank])
    envs = GroundlingVectorEnv(mixture, count, shuffle=False, embodiment=checkpoint.config.embodiment())
    observation, _ = envs.reset(seed=0)
    state, is_first = agent.initial_state(count), np.ones(count, dtype=np.bool_)
    ended, success, late = (np.zeros(count, dtype=np.bool_) for _ in range(3))
    generator = torch.Generator().manual_seed(0)
    with agent.inference_cache():
        while not ended.all():
            actions, state = agent.act(observation, state, is_first, greedy=True, generator=generator)
            observation, _, terminated, truncated, info = envs.step(actions)
            is_first = terminated | truncated
            new = is_first & ~ended
            if new.any():
                success |= new & info["success"]
                late |= new & truncated & ~terminated
            ended |= is_first
    envs.close()
    return success, late


def groups(bank: EpisodeBank) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Sets of episodes by name, each as a mask [E]."""
    goal = asked_for(bank)
    every = np.arange(len(bank))
    y, x = np.divmod(bank.positions[every, goal], bank.cells.shape[2])
    right, down = x - bank.poses[:, 0], y - bank.poses[:, 1]
    distance = np.hypot(right, down)
    aside = np.abs((np.degrees(np.arctan2(down, right)) - 90 * bank.poses[:, 2] + 180) % 360 - 180)
    size_of = {look_of(thing): thing.apparent_size for thing in OBJECTS}
    sizes = np.array([size_of[look] for look in bank.looks[every, FIRST_OBJECT + goal].tolist()])
    texts = [bank.instruction(row) for row in range(len(bank))]
    compares = np.array([any(word in text.split() for word in Superlative) for text in texts])
    yield "all", np.ones(len(bank), dtype=np.bool_)
    for compared in (False, True):
        name = "smallest, largest" if compared else "plain"
        yield name, compares == compared
        for size in ApparentSize:
            for near, far in pairwise(DISTANCES):
                chosen = (compares == compared) & (sizes == size) & (distance >= near) & (distance < far)
                yield f"{name}: {size.name.lower()}, {near:g} to {far:g} m", chosen
    for least, most in pairwise(ANGLES):
        yield f"plain: {int(least)} to {int(most)} degrees aside", ~compares & (aside >= least) & (aside < most)


def asked_for(bank: EpisodeBank) -> NDArray[np.int64]:
    """Which of its five objects each episode asks for."""
    return np.array([int(program[0, 2]).bit_length() - 1 for program in bank.programs])


def figures(chosen: NDArray[np.bool_], success: NDArray[np.bool_], late: NDArray[np.bool_]) -> dict[str, Any]:
    """Shares of a set of episodes; NaN of none."""
    count = int(chosen.sum())
    shares = {"success": success, "late": late, "wrong": ~success & ~late}
    told = {name: float(mask[chosen].mean()) if count else float("nan") for name, mask in shares.items()}
    return {"episodes": count, **told}


if __name__ == "__main__":
    launch(main, Options, __doc__)
