"""Suites: what a trained agent is tested on, each beside the controls, in one table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.table import Table

from groundling.agents.baselines import Policy, RandomPolicy, ShuffledInstructions
from groundling.agents.bots import expert_steps
from groundling.envs import EpisodeBank, build_bank
from groundling.envs.embodiment import Embodiment
from groundling.envs.grounded.room import GroundedRoom
from groundling.envs.sources import EpisodeSource, embodiment_of, meanings_of
from groundling.envs.splits import FACTORS, AnySplit, held_out_split, seen_split
from groundling.errors import ConfigurationError, SplitError, TaskError, UnsupportedLevelError
from groundling.eval.breakdown import KINDS, MOST_ROWS, Group, Kind, break_down, breakdown_table
from groundling.eval.evaluation import Evaluation, evaluate
from groundling.eval.simulators import evaluate_in_simulator
from groundling.files import write_text
from groundling.language.vocabulary import split_words
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig

EVALUATION_NAME = "evaluation.json"
BLIND_NAME = "blind"
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
AGENTS = {
    "trained": "the trained agent",
    "random": "uniformly random actions",
    "blind": "trained the same way, without the image",
    "shuffled": "the trained agent, told another goal",
}


@dataclass(frozen=True)
class SuiteReport:
    """Evaluations by suite and agent.

    A row named ``"combination, reordered"`` holds the near-trivial episodes of a suite, apart from its others: their
    instructions only reorder the words of a trained one. Where a run was trained on several tasks each has its rows,
    ``"BabyAI-GoToLocal-v0: layout"``.

    Attributes:
        task: id of the environment; of several ids, with commas between.
        greedy: whether the likeliest action was taken instead of a drawn one.
        episodes: asked for in each suite.
        seed: names the episodes and draws.
        results: ``results[suite][agent]``.
        left_out: why each suite that could not be run was left out.
        by: what the episodes are broken down by.
    """

    task: str
    greedy: bool
    episodes: int
    seed: int
    results: dict[str, dict[str, Evaluation]]
    left_out: dict[str, str] = field(default_factory=dict)
    by: tuple[Kind, ...] = ()

    def save(self, folder: Path) -> None:
        """Write ``evaluation.json``.

        It holds the fields, with {suite: {agent: {success, low, high ...}}} as "suites", and as "breakdown"
        {kind: {suite: {agent: [{name, success, low, high ...}]}}}, what fails most first.
        """
        plain = {
            "task": self.task,
            "greedy": self.greedy,
            "episodes": self.episodes,
            "seed": self.seed,
            "left_out": self.left_out,
            "suites": {s: {agent: e.to_dict() for agent, e in row.items()} for s, row in self.results.items()},
            "breakdown": {
                kind: {
                    suite: {agent: [group.to_dict() for group in groups] for agent, groups in row.items()}
                    for suite, row in self.breakdown(kind).items()
                }
                for kind in self.by
            },
        }
        write_text(folder / EVALUATION_NAME, json.dumps(plain, indent=2) + "\n")

    def breakdown(self, kind: Kind) -> dict[str, dict[str, tuple[Group, ...]]]:
        """Groups of episodes by suite and agent, see :func:`groundling.eval.breakdown.break_down`."""
        return {
            suite: {agent: break_down(evaluation.outcomes, kind) for agent, evaluation in row.items()}
            for suite, row in self.results.items()
        }

    def failures(self, kind: Kind) -> dict[str, list[tuple[str, Group]]]:
        """By task, suite and group of the trained agent, what fails most first; the task is empty if it is the only."""
        rows: dict[str, list[tuple[str, Group]]] = {}
        for name, row in self.results.items():
            task, suite = split_row(name)
            rows.setdefault(task, []).extend((suite, group) for group in break_down(row["trained"].outcomes, kind))
        return {task: sorted(own, key=lambda row: row[1].rank) for task, own in rows.items()}

    def breakdown_tables(self, kind: Kind) -> list[Table]:
        """The tables of the trained agent's failures for the terminal, one a task."""
        tables = []
        for task, rows in self.failures(kind).items():
            title = f"{task or self.task}: success by {kind}, 95 % interval"
            tables.append(breakdown_table(title, kind, rows))
            if len(rows) > MOST_ROWS:
                tables[-1].caption = f"{len(rows) - MOST_ROWS} more rows are in {EVALUATION_NAME}"
        return tables

    @property
    def agents(self) -> list[str]:
        """The agents of the columns."""
        return [agent for agent in AGENTS if any(agent in row for row in self.results.values())]

    def tables(self) -> list[Table]:
        """The tables for the terminal, one a task: the trained agent with its interval, the controls beside it."""
        tables: dict[str, Table] = {}
        controls = [agent for agent in self.agents if agent != "trained"]
        for name, row in self.results.items():
            task, suite = split_row(name)
            if task not in tables:
                tables[task] = self._empty_table(task or self.task, controls)
            trained = row["trained"]
            cells = [f"{row[agent].success:.3f}" if agent in row else "-" for agent in controls]
            rate, _, interval = format_success(trained).partition(" ")
            ratio = "-" if trained.steps_ratio is None else f"{trained.steps_ratio:.2f}"
            steps = f"{trained.mean_length:.1f}"
            tables[task].add_row(suite, str(trained.episodes), rate, interval, steps, ratio, *cells)
        for table in tables.values():
            counts = set(table.columns[1].cells)
            if len(counts) == 1:  # one number for all: a narrower table
                table.title = f"{table.title}, {counts.pop()} episodes each"
                del table.columns[1]
        return list(tables.values())

    def _empty_table(self, task: str, controls: Sequence[str]) -> Table:
        how = "greedy" if self.greedy else "sampled"
        title = f"{task}: success, 95 % interval ({how} actions)"
        table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("suite", no_wrap=True)
        for name in ("n", "trained", "interval", "steps", "/expert", *controls):
            table.add_column(name, justify="right", no_wrap=True)
        return table

    def legend(self) -> str:
        """What each row and column of the table is, a line each."""
        told = dict.fromkeys(split_row(row)[1] for row in self.results)
        suites = [f"{suite}: {describe_suite(suite)}" for suite in told]
        agents = [f"{agent}: {AGENTS[agent]}" for agent in self.agents if agent != "trained"]
        columns = ["/expert: steps of successful episodes, over those that the all-seeing expert takes in them"]
        if any(column.header == "n" for table in self.tables() for column in table.columns):
            columns.insert(0, "n: episodes")
        left_out = [f"left out {suite}: {reason}" for suite, reason in self.left_out.items()]
        return "\n".join([*suites, *columns, *agents, *left_out])


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


def is_grounded(config: TrainConfig) -> bool:
    """Whether a run's instructions are those of Chaplot et al. 2018, in our own rooms or in ViZDoom."""
    return config.is_foreign or all(isinstance(source, GroundedRoom) for source in config.sources())


def format_success(measured: Evaluation | Group) -> str:
    """For example ``"0.992 [0.984, 0.996]"``."""
    low, high = measured.interval
    return f"{measured.success:.3f} [{low:.3f}, {high:.3f}]"


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
