"""Seen against unseen: a trained agent and its controls on both splits."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from groundling.agents.baselines import Policy, RandomPolicy, ShuffledInstructions
from groundling.envs import EpisodeBank, build_bank
from groundling.envs.registry import level_of
from groundling.errors import SplitError
from groundling.eval.evaluation import Evaluation, evaluate
from groundling.files import write_text
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

EVALUATION_NAME = "evaluation.json"
BLIND_NAME = "blind"
SPLIT_NAMES = ("seen", "unseen")
DESCRIPTIONS = {
    "trained": "the trained agent",
    "random": "uniformly random actions",
    "blind": "trained the same way, without the image",
    "shuffled": "the trained agent, told another episode's instruction",
}


def instruction_tokens(bank: EpisodeBank) -> NDArray[np.int32]:
    """The token ids [E, L] of each episode's sentence."""
    return bank.episodes().tokens[bank.sentences]


@dataclass(frozen=True)
class GeneralizationReport:
    """Evaluations by agent and split.

    Attributes:
        task: id of the environment.
        greedy: whether the likeliest action was taken instead of a drawn one.
        results: ``results[agent][split]``.
    """

    task: str
    greedy: bool
    results: dict[str, dict[str, Evaluation]]

    def save(self, folder: Path) -> None:
        """Write ``evaluation.json``: {agent: {split: {success, low, high, episodes, ...}}}."""
        plain = {agent: {s: e.to_dict() for s, e in splits.items()} for agent, splits in self.results.items()}
        write_text(folder / EVALUATION_NAME, json.dumps(plain, indent=2) + "\n")

    def table(self) -> Table:
        """The table for the terminal."""
        how = "greedy" if self.greedy else "sampled"
        table = Table(title=f"{self.task}: success, 95 % interval ({how} actions)")
        table.add_column("agent")
        splits = list(next(iter(self.results.values())))
        for split in splits:
            table.add_column(split, justify="right")
        table.add_column("what it is")
        for agent, results in self.results.items():
            table.add_row(agent, *(format_success(results[split]) for split in splits), DESCRIPTIONS[agent])
        return table


def format_success(evaluation: Evaluation) -> str:
    """For example ``"0.992 [0.984, 0.996]"``."""
    low, high = evaluation.interval
    return f"{evaluation.success:.3f} [{low:.3f}, {high:.3f}]"


def evaluation_banks(task: str, *, episodes: int, seed: int, progress: bool = True) -> dict[str, EpisodeBank]:
    """New layouts with seen combinations, and layouts whose instruction names a held-out one.

    The unseen split is left out where a level's instructions never name a held-out combination.
    """
    level = level_of(task)
    banks = {"seen": build_bank(level, episodes, seed=seed, split="seen", progress=progress)}
    with contextlib.suppress(SplitError):
        banks["unseen"] = build_bank(level, episodes, seed=seed, split="unseen", progress=progress)
    return banks


def evaluate_run(
    folder: Path | str, *, episodes: int = 1000, greedy: bool = False, seed: int = 0, progress: bool = True
) -> GeneralizationReport:
    """Evaluate a run's agent and its controls: random, shuffled instructions, and blind if the run trained one.

    Raises:
        CheckpointError: if the run has no whole checkpoint.
    """
    folder = Path(folder)
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    agent = checkpoint.make_agent()
    policies: dict[str, Policy] = {"trained": agent, "random": RandomPolicy()}
    blind = folder / BLIND_NAME / CHECKPOINT_NAME
    if blind.exists():
        policies["blind"] = Checkpoint.load(blind).make_agent()
    banks = evaluation_banks(checkpoint.config.task, episodes=episodes, seed=seed, progress=progress)
    results: dict[str, dict[str, Evaluation]] = {
        name: {
            split: evaluate(policy, bank, greedy=greedy, seed=integer(seed, "evaluation", name, split))
            for split, bank in banks.items()
        }
        for name, policy in policies.items()
    }
    if all(len(bank.instructions) > 1 for bank in banks.values()):
        results["shuffled"] = {
            split: evaluate(
                ShuffledInstructions(agent, instruction_tokens(bank), integer(seed, "shuffle", split)),
                bank,
                greedy=greedy,
                seed=integer(seed, "evaluation", "shuffled", split),
            )
            for split, bank in banks.items()
        }
    return GeneralizationReport(checkpoint.config.task, greedy, results)
