"""Evaluate a run: its agent and the controls, suite by suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from groundling.agents.baselines import RandomPolicy, ShuffledInstructions
from groundling.agents.bots import expert_steps
from groundling.envs import EpisodeBank
from groundling.envs.embodiment import Embodiment
from groundling.envs.sources import embodiment_of, meanings_of
from groundling.errors import ConfigurationError
from groundling.eval.breakdown import KINDS, Kind
from groundling.eval.evaluation import Evaluation, evaluate
from groundling.eval.simulators import evaluate_in_simulator
from groundling.eval.suite_report import SuiteReport
from groundling.eval.suites import is_grounded, suite_banks, suites_for
from groundling.interfaces import Policy
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig

BLIND_NAME = "blind"


def kinds_for(config: TrainConfig, asked: Sequence[Kind] = ()) -> tuple[Kind, ...]:
    """What a run's episodes are broken down by: always by what suits its task, and by what is asked for.

    Raises:
        ConfigurationError: if there is no such breakdown, or it would be of one row.
    """
    for kind in asked:
        if kind not in KINDS:
            raise ConfigurationError(f"there is no breakdown by {kind!r}: choose among {', '.join(KINDS)}")
        if kind != "instruction" and is_grounded(config):
            raise ConfigurationError(
                f"every instruction of {config.task_ids[0]} is of the form 'Go to the ...', one verb and one clause: "
                "break it down --by instruction"
            )
    # by instruction only if it is asked for: on the grid nearly every episode can have one of its own
    usual: tuple[Kind, ...] = ("instruction",) if is_grounded(config) else ("verb", "clauses")
    return tuple(dict.fromkeys([*usual, *asked]))


def evaluate_suites(
    policies: dict[str, Policy],
    banks: dict[str, EpisodeBank],
    *,
    greedy: bool = False,
    seed: int = 0,
    embodiment: Embodiment | None = None,
) -> Iterator[tuple[str, str, Evaluation]]:
    """Evaluate each policy on each bank, and the "trained" one with shuffled instructions: (suite, agent, result).

    Episodes are played with the ``embodiment``, or with their source's own; the expert counts steps of the grid only.
    """
    for suite, bank in banks.items():
        body = embodiment or embodiment_of(bank)
        steps = expert_steps(bank) if body.rover is None else None
        players = dict(policies)
        if "trained" in policies and len(set(meanings_of(bank))) > 1:
            stream = integer(seed, "shuffle", suite)
            players["shuffled"] = ShuffledInstructions.of_bank(policies["trained"], bank, stream)
        for name, policy in players.items():
            stream = integer(seed, "evaluation", name, suite)
            result = evaluate(policy, bank, greedy=greedy, seed=stream, expert_steps=steps, embodiment=body)
            yield suite, name, result


def evaluate_run(
    folder: Path | str,
    suites: Sequence[str] = (),
    *,
    episodes: int = 1000,
    greedy: bool = False,
    seed: int = 0,
    allow_unseen_words: bool = False,
    by: Sequence[Kind] = (),
    progress: bool = True,
) -> SuiteReport:
    """Evaluate a run's agent and its controls: random, shuffled instructions, and blind if the run trained one.

    Args:
        folder: of the run.
        suites: names of ``SUITES`` or ``GROUNDED_SUITES``, or "all"; none takes the usual ones of the task.
        episodes: of each suite.
        greedy: take the likeliest action instead of drawing one.
        seed: names the episodes and draws.
        allow_unseen_words: run suites with words that training never told as well.
        by: break the episodes down by these as well, see :func:`kinds_for`.
        progress: show bars while banks are built.

    Raises:
        CheckpointError: if the run has no whole checkpoint.
        ConfigurationError: if the task has no such breakdown.
        MissingSimulatorError: if the run is of a foreign simulator that is not installed.
        SplitError: if a suite does not exist, none of them can be run, or one tells words that training never told.
    """
    folder = Path(folder)
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    agent = checkpoint.make_agent()
    policies: dict[str, Policy] = {"trained": agent, "random": RandomPolicy(agent.num_actions)}
    blind = folder / BLIND_NAME / CHECKPOINT_NAME
    if blind.exists():
        policies["blind"] = Checkpoint.load(blind).make_agent()
    config = checkpoint.config
    asked, kinds = suites_for(config, suites), kinds_for(config, by)
    left_out: dict[str, str] = {}
    if config.is_foreign:
        found = evaluate_in_simulator(config, policies, asked, episodes=episodes, greedy=greedy, seed=seed)
    else:
        banks, left_out = suite_banks(
            config, asked, episodes=episodes, seed=seed, allow_unseen_words=allow_unseen_words, progress=progress
        )
        found = evaluate_suites(policies, banks, greedy=greedy, seed=seed, embodiment=config.embodiment())
    results: dict[str, dict[str, Evaluation]] = {}
    for suite, name, evaluation in found:
        results.setdefault(suite, {})[name] = evaluation
    return SuiteReport(", ".join(config.task_ids), greedy, episodes, seed, results, left_out, kinds)
