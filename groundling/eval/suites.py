"""Suites: what a trained agent is tested on, and the episodes of each; its task's family says which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundling.envs import EpisodeBank
from groundling.envs.catalog import find_family
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.banked import BankEpisodes, BankFamily, BankSuite, bank_episodes
from groundling.envs.families.base import EnvFamily, EpisodeSet
from groundling.envs.families.options import WorldOptions
from groundling.errors import ConfigurationError, SplitError
from groundling.interfaces import Suite
from groundling.language.vocabulary import split_words
from groundling.training.config import TrainConfig
from groundling.training.tasks import bank_families, evaluation_options, families

REORDERED = ", reordered"
TASK_MARK = ": "  # between task and suite in a row's name, where a run was trained on several tasks


@dataclass(frozen=True)
class SuiteRow:
    """A row of the table.

    Attributes:
        family: whose episodes they are.
        suite: the name of the suite.
        episodes: that are played.
    """

    family: EnvFamily
    suite: str
    episodes: EpisodeSet


def split_row(name: str) -> tuple[str, str]:
    """Task and suite of a row of the table; the task is empty where there is only one."""
    task, _, suite = name.rpartition(TASK_MARK)
    return task, suite


def describe_suite(name: str, suites: Mapping[str, Suite]) -> str:
    """What the suite of a row tests, in a few words; empty if nobody says."""
    suite = split_row(name)[1]
    if suite.endswith(REORDERED):
        return "words of a trained instruction in another order"
    return suites[suite].description if suite in suites else ""


def suites_of(tasks: Iterable[EnvFamily]) -> dict[str, Suite]:
    """All suites of several families."""
    return {name: suite for family in tasks for name, suite in family.suites.items()}


def suites_for(tasks: Sequence[EnvFamily], asked: Sequence[str] = ()) -> tuple[str, ...]:
    """The suites of a run: those that are asked for, "all" that its tasks have, or by default the usual ones."""
    known = suites_of(tasks)
    if "all" in asked:
        return tuple(known)
    return tuple(asked) or tuple(name for name, suite in known.items() if suite.is_usual)


def suite_bank(
    config: TrainConfig, suite: str, *, episodes: int = 1000, seed: int = 0, progress: bool = True
) -> EpisodeBank:
    """The bank of a suite for runs of this configuration; no layout of training is in it.

    Raises:
        SplitError: if there is no such suite, or this configuration cannot be tested by it; the message says why.
        ConfigurationError: if the configuration is of several tasks, or the episodes stand in no bank.
    """
    own = bank_families(config)
    if len(own) > 1:
        raise ConfigurationError("a suite's bank is of one task: take config.alone(TASK) of each")
    return own[0].suite_bank(suite, config.held_out, episodes, seed, progress=progress)


def unseen_words(bank: EpisodeBank, trained: EpisodeBank) -> list[str]:
    """Words of a bank's instructions that no instruction of another bank has."""
    known = {word for text in trained.instructions for word in split_words(text)}
    return sorted({word for text in bank.instructions for word in split_words(text)} - known)


def reordered_episodes(bank: EpisodeBank, trained: EpisodeBank) -> NDArray[np.bool_]:
    """Which episodes [E] have an instruction that only reorders the words of one of another bank."""
    known = {tuple(sorted(split_words(text))) for text in trained.instructions}
    texts = set(trained.instructions)
    is_reordered = [text not in texts and tuple(sorted(split_words(text))) in known for text in bank.instructions]
    return np.array(is_reordered, dtype=np.bool_)[bank.sentences]


def suite_rows(
    config: TrainConfig,
    suites: Sequence[str],
    *,
    episodes: int = 1000,
    seed: int = 0,
    allow_unseen_words: bool = False,
    progress: bool = True,
) -> tuple[dict[str, SuiteRow], dict[str, str]]:
    """The episodes of several suites by row of the table, near-trivial ones apart, and why others were left out.

    Where the run is trained on several tasks each suite is run of each; its words and sentences are compared with those
    of all tasks together, since the agent was told all of them.

    Raises:
        SplitError: if there is no such suite, none can be run, or one has words that training never told (a suite that
            is about them apart) and this is not allowed.
    """
    tasks = families(config)
    for suite in suites:
        if not any(suite in family.suites for family in tasks):
            tasks[0].suite(suite)  # refuses it
    world = evaluation_options(config, tasks)
    trained: EpisodeBank | None = None
    if all(isinstance(family, BankFamily) for family in tasks):
        trained = config.training_bank(progress=progress)
    rows: dict[str, SuiteRow] = {}
    left_out: dict[str, str] = {}
    due = [(family, suite) for family in tasks for suite in suites]
    for family, suite in due:
        name = (f"{family.id}{TASK_MARK}" if len(tasks) > 1 else "") + suite
        try:
            found = family.episodes(suite, config.held_out, episodes, seed, world, progress=progress)
        except SplitError as error:
            if len(due) == 1:
                raise
            left_out[name] = str(error)
            continue
        if not isinstance(found, BankEpisodes) or not isinstance(family, BankFamily) or trained is None:
            rows[name] = SuiteRow(family, suite, found)
            continue
        fresh = unseen_words(found.bank, trained)
        asked = family.suites[suite]
        is_about_words = isinstance(asked, BankSuite) and asked.tells_new_words
        if fresh and not is_about_words and not allow_unseen_words:
            raise SplitError(
                f"the suite {name!r} tells words that no training instruction has: {', '.join(fresh)}. Hold out sets "
                "that leave each single word in training, or allow it with --allow-unseen-words"
            )
        for row, part in _parts(name, asked, found.bank, trained).items():
            rows[row] = SuiteRow(family, suite, family.episodes_of(part, world))
    if not rows:
        raise SplitError("no suite can be run. " + "; ".join(f"{suite}: {why}" for suite, why in left_out.items()))
    return rows, left_out


def _parts(name: str, suite: Suite, bank: EpisodeBank, trained: EpisodeBank) -> dict[str, EpisodeBank]:
    """The bank of a suite by row, those episodes apart that only reorder the words of a trained instruction."""
    sets_apart = isinstance(suite, BankSuite) and suite.sets_reordered_apart
    is_reordered = reordered_episodes(bank, trained) & sets_apart
    parts = {name: ~is_reordered, name + REORDERED: is_reordered}
    return {row: bank.take(np.flatnonzero(chosen)) for row, chosen in parts.items() if chosen.any()}


def rows_of_banks(banks: Mapping[str, EpisodeBank], embodiment: Embodiment | None = None) -> dict[str, SuiteRow]:
    """Banks as rows of a table, played with an embodiment or with that of their task."""
    rows = {}
    for name, bank in banks.items():
        family = find_family(bank.level)
        body = embodiment or (family.embodiment(WorldOptions()) if isinstance(family, BankFamily) else None)
        if body is None:
            raise ConfigurationError(f"the episodes of {family.id} stand in no bank")
        rows[name] = SuiteRow(family, split_row(name)[1], bank_episodes(bank, body))
    return rows
