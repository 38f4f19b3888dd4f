"""Suites: what a trained agent is tested on, and the episodes of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundling.envs import EpisodeBank, build_bank
from groundling.envs.grounded.room import GroundedRoom
from groundling.envs.sources import EpisodeSource
from groundling.envs.splits import FACTORS, AnySplit, held_out_split, seen_split
from groundling.errors import ConfigurationError, SplitError, TaskError, UnsupportedLevelError
from groundling.language.vocabulary import split_words
from groundling.training.config import TrainConfig

SUITES: dict[str, str] = {
    "layout": "new worlds, instructions that training may ask for",
    "combination": "color-type pairs that no training instruction names",
    "verb_object": "a verb with a type of object that it was never asked of",
    "location": "a type of object with a place in which it was never named",
    "length": "more clauses than any training instruction has",
    "phrasing": "forms of sentence that training never used, of words that it did",
    "synonym": "words that training never used, for encoders that know them from elsewhere",
    "distractors": "half as many distractors again",
    "size": "rooms half as wide again",
}
DEFAULT_SUITES = ("layout", "combination")
GROUNDED_SUITES: dict[str, str] = {  # of the rooms of Chaplot et al. 2018, beside "layout"
    "zero_shot": "the paper's 15 test instructions",
    "reordered": "those 7 of them that only reorder the words of a trained one",
    "new_set": "those 6 that denote a set of objects that no trained instruction denotes",
    "superlative": "those 2 that compare objects of a color with which training never used the word",
}
GROWN_SETTINGS = {"distractors": "num_distractors", "size": "room_size"}
REORDERED = ", reordered"
TASK_MARK = ": "  # between task and suite in a row's name, where a run was trained on several tasks


def split_row(name: str) -> tuple[str, str]:
    """Task and suite of a row of the table; the task is empty where there is only one."""
    task, _, suite = name.rpartition(TASK_MARK)
    return task, suite


def describe_suite(name: str) -> str:
    """What the suite of a row tests, in a few words."""
    suite = split_row(name)[1]
    if suite.endswith(REORDERED):
        return "words of a trained instruction in another order"
    return {**SUITES, **GROUNDED_SUITES}[suite]


def suites_for(config: TrainConfig, asked: Sequence[str] = ()) -> tuple[str, ...]:
    """The suites of a run: those that are asked for, "all" that its tasks have, or by default the usual ones."""
    if "all" in asked:
        return ("layout", *GROUNDED_SUITES) if is_grounded(config) else tuple(SUITES)
    return tuple(asked) or (("layout", *GROUNDED_SUITES) if is_grounded(config) else DEFAULT_SUITES)


def is_grounded(config: TrainConfig) -> bool:
    """Whether a run's instructions are those of Chaplot et al. 2018, in our own rooms or in ViZDoom."""
    return config.is_foreign or all(isinstance(source, GroundedRoom) for source in config.sources())


def suite_bank(
    config: TrainConfig, suite: str, *, episodes: int = 1000, seed: int = 0, progress: bool = True
) -> EpisodeBank:
    """The episodes of a suite for runs of this configuration; no layout of training is among them.

    Raises:
        SplitError: if there is no such suite, or this configuration cannot be tested by it; the message says why.
        ConfigurationError: if the configuration is of several tasks.
    """
    _check_names([suite])
    sources, held_out = config.sources(), config.held_out
    if len(sources) > 1:
        raise ConfigurationError("a suite's bank is of one task: take config.alone(TASK) of each")
    source = sources[0]
    split: AnySplit = seen_split(held_out)
    if isinstance(source, GroundedRoom):
        if suite != "layout" and suite not in GROUNDED_SUITES:
            raise SplitError(
                f"{source.id} has its sentences listed: it is tested by layout, {', '.join(GROUNDED_SUITES)}"
            )
        split = source.find_split({"layout": "seen", "zero_shot": "unseen"}.get(suite, suite))
    elif suite in GROUNDED_SUITES:
        raise SplitError(f"only the grounded rooms are tested by {suite!r}")
    elif suite in FACTORS:
        if suite not in held_out.factors:
            raise SplitError(f"nothing of this kind was held out in training (--held-out.factors ... {suite})")
        split = held_out_split(held_out, suite)
    elif suite in GROWN_SETTINGS:
        try:
            source = grown(source, GROWN_SETTINGS[suite])
            return build_bank(source, episodes, seed=seed, split=split, progress=progress)
        except (TaskError, UnsupportedLevelError) as error:
            raise SplitError(f"enlarged, it cannot be generated: {error}") from error
    return build_bank(source, episodes, seed=seed, split=split, progress=progress)


def grown(source: EpisodeSource, setting: str) -> EpisodeSource:
    """The source with this setting half as large again.

    Raises:
        SplitError: if it has no such setting.
    """
    value = source.setting(setting)
    if not value:
        raise SplitError(f"{source.id} has no setting {setting} to enlarge")
    try:
        return source.changed(**{setting: value + (value + 1) // 2})
    except ConfigurationError as error:
        raise SplitError(f"it cannot be enlarged: {error}") from error


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


def suite_banks(
    config: TrainConfig,
    suites: Sequence[str],
    *,
    episodes: int = 1000,
    seed: int = 0,
    allow_unseen_words: bool = False,
    progress: bool = True,
) -> tuple[dict[str, EpisodeBank], dict[str, str]]:
    """The banks of several suites by row of the table, near-trivial episodes apart, and why others were left out.

    Where the run is trained on several tasks each suite is run of each; its words and sentences are compared with those
    of all tasks together, since the agent was told all of them.

    Raises:
        SplitError: if there is no such suite, none can be run, or one has words that training never told (the suite
            "synonym" apart, which is about them) and this is not allowed.
    """
    _check_names(suites)
    banks: dict[str, EpisodeBank] = {}
    left_out: dict[str, str] = {}
    trained = config.training_bank(progress=progress)
    tasks = config.task_ids
    marks = [f"{source.id}{TASK_MARK}" if len(tasks) > 1 else "" for source in config.sources()]
    due = [(task, mark + suite, suite) for task, mark in zip(tasks, marks, strict=True) for suite in suites]
    for task, name, suite in due:
        try:
            bank = suite_bank(config.alone(task), suite, episodes=episodes, seed=seed, progress=progress)
        except SplitError as error:
            if len(due) == 1:
                raise
            left_out[name] = str(error)
            continue
        fresh = unseen_words(bank, trained)
        if fresh and suite != "synonym" and not allow_unseen_words:
            raise SplitError(
                f"the suite {name!r} tells words that no training instruction has: {', '.join(fresh)}. Hold out sets "
                "that leave each single word in training, or allow it with --allow-unseen-words"
            )
        is_reordered = reordered_episodes(bank, trained) & (suite in FACTORS)
        for row, rows in ((name, ~is_reordered), (name + REORDERED, is_reordered)):
            if rows.any():
                banks[row] = bank.take(np.flatnonzero(rows))
    if not banks:
        raise SplitError("no suite can be run. " + "; ".join(f"{suite}: {why}" for suite, why in left_out.items()))
    return banks, left_out


def _check_names(suites: Sequence[str]) -> None:
    for suite in suites:
        if suite not in SUITES and suite not in GROUNDED_SUITES:
            raise SplitError(f"there is no suite {suite!r}: choose among {', '.join([*SUITES, *GROUNDED_SUITES])}")
