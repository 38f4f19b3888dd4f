"""Learning from preferences: what 500 noisy comparisons of a weak agent's trajectories bring, beside the true reward.

    python benchmarks/preferences.py [--task groundling/RoomPickUp-v0] [--seeds 1 2 3] [--frames 300000]
        [--runs runs/preferences] [--output benchmarks/results/rewards.json]

A weak agent imitates the expert of a task until it solves half of it (the reference). It plays each of 500 episodes
twice, and a simulated person says which of the two is better: by what the environment paid for it (Bradley-Terry,
temperature .1), and one answer of ten is turned round. From the reference go on

    true                PPO with the environment's reward
    preferences         PPO with the reward learned from the comparisons, kept near the reference by its KL
    preferences_signed  the same with rewards of either sign (--preferences.no-costs), ten times nearer the reference
    preferences_random  as preferences, comparisons with random labels
    preferences_steps   a reward of -1 a step, which needs no comparison: how far "be quick" goes: in GoToLocal far, as
                        an episode ends early by success only; in RoomPickUp it ends by any wrong object as well
    dpo                 DPO on the comparisons (means over steps), no reward and no new episode
    dpo_random          the same, random labels

Measured is success in 512 unseen layouts, drawn actions, and its share of that of "true" with the same seed.
A finished run is kept in ``--runs``. Source: Christiano et al. 2017, arXiv:1706.03741; Rafailov et al. 2023,
arXiv:2305.18290.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch
from runs import finish_timed, keep_rows

from groundling.eval.preference_pairs import Person, pair_episodes, play_pairs
from groundling.eval.runs import evaluate_suites
from groundling.eval.statistics import mean_interval
from groundling.eval.suites import suite_rows
from groundling.interfaces import Array, Transition
from groundling.training import ImitationConfig, PPOConfig, TrainConfig
from groundling.training.algorithms.dpo import DPOConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.preferences.comparisons import EQUAL, Comparisons
from groundling.training.preferences.reward_model import PreferencesConfig
from groundling.training.rewards.base import RewardTerm

TASK = "groundling/RoomPickUp-v0"  # its rows have the keys of the issue, those of other tasks have the task in theirs
PAIRS = 500
GOALS = {"preferences": 0.9, "dpo": 0.8}
REFERENCE_PIECE = 20_000  # frames after which the weak agent is looked at
KL = 0.02


class StepPenalty(RewardTerm):
    """A reward of -1 a step, scaled to returns as small as those of the learned one."""

    def __call__(self, transition: Transition) -> Array:
        """[B], the same for all."""
        return np.full(len(transition.reward), -0.05)


@dataclass(frozen=True)
class Options:
    """Learn from preferences.

    Attributes:
        task: what is learned.
        seeds: of everything.
        reference_frames: the most that the weak agent imitates for.
        reference_success: in unseen layouts, at which it stops: an agent that always fails, or always succeeds, plays
            no pairs that tell anything.
        rows: which of the agents.
        frames: of PPO.
        dpo_updates: gradient steps of DPO.
        dpo_beta: of DPO.
        dpo_rate: learning rate of DPO.
        episodes: that are measured.
        runs: folder of the runs.
        output: a file for the rows; rows of the same key are replaced.
    """

    task: str = TASK
    seeds: tuple[int, ...] = (1, 2, 3)
    reference_frames: int = 320_000
    reference_success: float = 0.5
    rows: tuple[str, ...] = (
        "true",
        "preferences",
        "preferences_signed",
        "preferences_random",
        "preferences_steps",
        "dpo",
        "dpo_random",
    )
    frames: int = 300_000
    dpo_updates: int = 400
    dpo_beta: float = 10.0
    dpo_rate: float = 1e-3
    episodes: int = 512
    runs: Path = Path("runs/preferences")
    output: Path | None = None


def reference_config(seed: int, options: Options) -> TrainConfig:
    """The weak agent."""
    return TrainConfig(
        task=options.task,
        algorithm="bc",
        num_envs=128,
        bank_size=4096,
        total_frames=options.reference_frames,
        evaluate_every=0,
        seed=seed,
        settings=(ImitationConfig(),),
    )


def imitate(seed: int, options: Options, folder: Path) -> None:
    """Train the weak agent, piece by piece, until it is good enough."""
    config = reference_config(seed, options)
    saved = folder / CHECKPOINT_NAME
    frames = Checkpoint.load(saved).updates * config.rollout_frames if saved.exists() else 0
    while frames < config.total_frames:
        if frames and success_of(folder, options.episodes) >= options.reference_success:
            break
        frames += REFERENCE_PIECE
        finish_timed(config, folder, frames)


def config_of(row: str, seed: int, options: Options, folder: Path) -> TrainConfig:
    """A run that goes on from the weak agent."""
    common: dict[str, Any] = {
        "task": options.task,
        "bank_size": 4096,
        "evaluate_every": 0,
        "seed": seed,
        "num_envs": 128,
    }
    common["init"] = str(folder / "reference")
    file = str(folder / ("random.npz" if row.endswith("random") else "comparisons.npz"))
    if row.startswith("dpo"):
        dpo = DPOConfig(file, beta=options.dpo_beta, per_step=True, learning_rate=options.dpo_rate, noise=0.1)
        frames = options.dpo_updates * 2 * dpo.pairs * dpo.most_steps
        return TrainConfig(algorithm="dpo", total_frames=frames, settings=(dpo,), **common)
    signed = row == "preferences_signed"
    kl = 0.0 if row == "true" else 10 * KL if signed else KL
    ppo = PPOConfig(num_steps=32, minibatch_size=1024, kl_coef=kl)
    reward = {"true": "environment", "preferences_steps": f"{__file__}:StepPenalty"}.get(row, "preferences")
    settings: tuple[Any, ...] = (ppo, PreferencesConfig(file, costs=not signed)) if reward == "preferences" else (ppo,)
    return TrainConfig(algorithm="ppo", total_frames=options.frames, reward=(reward,), settings=settings, **common)


def compare(folder: Path, seed: int) -> Comparisons:
    """The comparisons of the weak agent's trajectories, and the same with random labels, in files."""
    path = folder / "comparisons.npz"
    if not path.exists():
        checkpoint = Checkpoint.load(folder / "reference" / CHECKPOINT_NAME)
        episodes, _ = pair_episodes(checkpoint, PAIRS, seed)
        pairs = play_pairs(checkpoint.make_agent(), episodes, checkpoint.config.task_ids, seed)
        told = Person().compare(pairs, seed)
        random = np.random.default_rng(seed).permutation(told.label)
        told.with_labels(np.where(np.random.default_rng(seed).random(PAIRS) < 0.5, random, 1 - random), "random").save(
            folder / "random.npz"
        )
        told.save(path)
    return Comparisons.load(path)


def success_of(folder: Path, episodes: int) -> float:
    """Success of a run's agent in unseen layouts."""
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    suites, _ = suite_rows(checkpoint.config, ("layout",), episodes=episodes, progress=False)
    ((_, _, found),) = evaluate_suites({"agent": checkpoint.make_agent()}, suites)
    return found.success


def main(options: Options) -> list[dict[str, Any]]:
    """Train, measure, print and write the rows."""
    begun = time.process_time()
    success: dict[str, list[float]] = {}
    facts: list[dict[str, float]] = []
    for seed in options.seeds:
        folder = options.runs / f"{options.task.split('/')[-1]}-{options.reference_success}" / f"seed{seed}"
        imitate(seed, options, folder / "reference")
        told = compare(folder, seed)
        better = np.sign(told.returns[:, 0] - told.returns[:, 1])
        answered = told.label != EQUAL
        right = float((better == np.sign(told.label - EQUAL))[answered].mean())
        facts.append({"with_preference": float(answered.mean()), "right": right, "success": float(told.success.mean())})
        print(f"seed {seed}: {facts[-1]}", flush=True)
        success.setdefault("reference", []).append(success_of(folder / "reference", options.episodes))
        print(f"seed {seed} reference: {success['reference'][-1]:.3f}", flush=True)
        for row in options.rows:
            seconds = finish_timed(config_of(row, seed, options, folder), folder / row)
            success.setdefault(row, []).append(success_of(folder / row, options.episodes))
            print(f"seed {seed} {row}: {success[row][-1]:.3f} ({seconds:.0f} s)", flush=True)
    rows = [row_of(row, success, facts, options, time.process_time() - begun) for row in success if row != "true"]
    for one in rows:
        print(f"{one['key']:24} success {np.mean(one['success']):.3f}, of the true reward's {one['mean']:.3f}")
    keep_rows(rows, options.output)
    return rows


def row_of(
    row: str, success: dict[str, list[float]], facts: list[dict[str, float]], options: Options, seconds: float
) -> dict[str, Any]:
    """A row of results: shares of the true reward's success, seed by seed."""
    shares = [ours / true for ours, true in zip(success[row], success["true"], strict=True)]
    low, high = mean_interval(shares) if len(shares) > 1 else (shares[0], shares[0])
    return {
        "key": ("preferences_reference" if row == "reference" else row) + f" {options.task}" * (options.task != TASK),
        "row": f"{options.task} from {PAIRS} comparisons, one of ten wrong: {row}, success / with the true reward",
        "mean": float(np.mean(shares)),
        "low": float(low),
        "high": float(high),
        "seeds": len(shares),
        "scores": shares,
        "success": success[row],
        "success_true": success["true"],
        "success_reference": success["reference"],
        "comparisons": facts,
        "frames": options.frames,
        "goal": GOALS.get(row),
        "processor_seconds": round(seconds, 1),
        "command": command(options),
    }


def command(options: Options) -> str:
    """What measures the rows again."""
    return (
        f"python benchmarks/preferences.py --task {options.task} --seeds {' '.join(map(str, options.seeds))}"
        f" --frames {options.frames} --reference-success {options.reference_success}"
    )


if __name__ == "__main__":
    launch(main, Options, __doc__)
