"""Two runs, or two groups of runs, side by side: reads what ``groundling evaluate`` wrote and takes differences."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table

from groundling.errors import ConfigurationError
from groundling.eval.results import RunResults, Score, read_results
from groundling.eval.statistics import (
    Aggregate,
    bootstrap_difference_interval,
    difference_interval,
    middle_half_mean,
    plain_mean,
    stratified_bootstrap_interval,
    wilson_interval,
)
from groundling.files import write_text

FEW_RUNS = 5
MARK = "*"

# Two runs are told apart by their episodes, two groups by their seeds.
EPISODES_NOTE = (
    "the intervals are over episodes: they tell these two agents apart, not two ways of training; "
    "for that compare several training seeds, --a RUNS --b RUNS"
)
FEW_RUNS_NOTE = (
    f"fewer than {FEW_RUNS} runs on a side: bootstrap intervals are too narrow (of 3 runs they hold the truth 7 or 8 "
    "times in 10, not 19 in 20)"
)
ONE_RUN_NOTE = "a side of one run has no interval: one run tells nothing of the spread between seeds"
STRATA_NOTE = (
    "the interquartile mean's interval draws the seeds of each suite apart, as if every score came from a training run "
    "of its own; it is too narrow where a run that is good at one suite is good at all: see --whole-runs"
)


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: the number.
        interval: lower and upper bound; None where there is none, as over the seeds of a single run.
    """

    value: float
    interval: tuple[float, float] | None

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)

    def format(self, *, signed: bool = False) -> str:
        """For example ``"0.992 [0.984, 0.996]"``, or ``"+0.012 [-0.001, +0.025]"``."""
        form = "+.3f" if signed else ".3f"
        bounds = "" if self.interval is None else f" [{self.interval[0]:{form}}, {self.interval[1]:{form}}]"
        return f"{self.value:{form}}{bounds}"


@dataclass(frozen=True)
class Row:
    """Both sides on one suite, or on all of them.

    Attributes:
        name: of the suite.
        a: success of side A.
        b: success of side B.
        difference: B minus A.
    """

    name: str
    a: Estimate
    b: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Comparison:
    """Two sides, suite by suite.

    Attributes:
        task: id of the environment of all runs.
        agent: which agent of each run.
        greedy: whether the likeliest action was taken.
        runs_a: folders of side A.
        runs_b: folders of side B.
        rows: one for each suite that every run was evaluated on.
        overall: the interquartile mean over runs and suites; None where two runs are compared.
        left_out: by suite, the runs that were not evaluated on it.
        notes: what a reader should know before believing the intervals.
    """

    task: str
    agent: str
    greedy: bool
    runs_a: tuple[str, ...]
    runs_b: tuple[str, ...]
    rows: tuple[Row, ...]
    overall: Row | None
    left_out: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def save(self, path: Path | str) -> None:
        """Write the comparison as JSON, with the attributes of the classes as keys.

        Raises:
            StorageError: if it cannot be written.
        """
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    def table(self) -> Table:
        """The table for the terminal."""
        how = ", greedy actions" if self.greedy else ", sampled actions"
        table = Table(title=f"{escape(self.task)}: success of the {self.agent} agent, 95 % interval{how}")
        table.add_column("suite")
        for column in ("A", "B", "B - A"):
            table.add_column(column, justify="right")
        table.add_column("")
        for row in self.rows:
            table.add_row(*_cells(row), end_section=row is self.rows[-1])
        if self.overall is not None:
            table.add_row(*_cells(self.overall), style="bold")
        return table


def _cells(row: Row) -> tuple[str, ...]:
    mark = MARK if row.difference.excludes_zero else ""
    return row.name, row.a.format(), row.b.format(), row.difference.format(signed=True), mark


def compare_runs(run_a: Path | str, run_b: Path | str, *, agent: str = "trained") -> Comparison:
    """Two runs, suite by suite: Wilson's interval of each rate and Newcombe's of the difference, B minus A.

    Every interval holds for itself: of twenty suites on which two equal agents are compared, one is marked by chance.

    Args:
        run_a: folder of run A.
        run_b: folder of run B.
        agent: which agent of each: "trained", "blind", "shuffled" or "random".

    Raises:
        RunFolderError: if a run, or its evaluation, is missing or damaged.
        ConfigurationError: if the runs are the same one, of different tasks or chose their actions differently, or have
            no suite in common.
    """
    a, b = read_results(run_a), read_results(run_b)
    notes = (*_checked([a, b]), EPISODES_NOTE)
    suites, left_out = _common_suites([a, b], agent)
    rows = tuple(_row_of_counts(suite, a.scores[suite][agent], b.scores[suite][agent]) for suite in suites)
    return Comparison(a.task, agent, a.greedy, (a.folder,), (b.folder,), rows, None, left_out, notes)


def _row_of_counts(suite: str, a: Score, b: Score) -> Row:
    return Row(
        suite,
        Estimate(a.success, wilson_interval(a.successes, a.episodes)),
        Estimate(b.success, wilson_interval(b.successes, b.episodes)),
        Estimate(b.success - a.success, difference_interval(a.successes, a.episodes, b.successes, b.episodes)),
    )


def compare_groups(
    runs_a: Sequence[Path | str],
    runs_b: Sequence[Path | str],
    *,
    agent: str = "trained",
    whole_runs: bool = False,
    seed: int = 0,
) -> Comparison:
    """Two groups of runs that differ in nothing but the training seed: means by suite, and over all of them the IQM.

    All intervals are percentile bootstrap intervals over runs, see
    :func:`groundling.eval.statistics.stratified_bootstrap_interval`; a side of one run has none.

    Args:
        runs_a: folders of side A.
        runs_b: folders of side B, not necessarily as many.
        agent: which agent of each run.
        whole_runs: draw whole runs for the interquartile mean, not the runs of each suite by themselves.
        seed: of the bootstrap's draws.

    Raises:
        RunFolderError: if a run, or its evaluation, is missing or damaged.
        ConfigurationError: if a side has no run, a run is given twice, the runs are of different tasks or chose their
            actions differently, or no suite is common to all.
    """
    if not runs_a or not runs_b:
        raise ConfigurationError("each side needs at least one run")
    a, b = [read_results(run) for run in runs_a], [read_results(run) for run in runs_b]
    notes = _checked([*a, *b])
    suites, left_out = _common_suites([*a, *b], agent)
    of_a, of_b = _success_rates(a, suites, agent), _success_rates(b, suites, agent)
    rows = tuple(
        _row_of_runs(suite, of_a[:, [i]], of_b[:, [i]], plain_mean, whole_runs=False, seed=seed)
        for i, suite in enumerate(suites)
    )
    name = f"IQM of {len(suites)} suite{'s' if len(suites) > 1 else ''}"
    overall = _row_of_runs(name, of_a, of_b, middle_half_mean, whole_runs=whole_runs, seed=seed)
    fewest = min(len(a), len(b))
    if fewest == 1:
        notes.append(ONE_RUN_NOTE)
    if 1 < len(a) < FEW_RUNS or 1 < len(b) < FEW_RUNS:
        notes.append(FEW_RUNS_NOTE)
    if not whole_runs and len(suites) > 1 and max(len(a), len(b)) > 1:
        notes.append(STRATA_NOTE)
    folders_a, folders_b = tuple(run.folder for run in a), tuple(run.folder for run in b)
    return Comparison(a[0].task, agent, a[0].greedy, folders_a, folders_b, rows, overall, left_out, tuple(notes))


def _success_rates(runs: Sequence[RunResults], suites: Sequence[str], agent: str) -> NDArray[np.float64]:
    """Success rates [R, S] of runs by suites."""
    return np.array([[run.scores[suite][agent].success for suite in suites] for run in runs])


def _row_of_runs(
    name: str,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    aggregate: Aggregate,
    *,
    whole_runs: bool,
    seed: int,
) -> Row:
    """Aggregates of scores [R_a, S] and [R_b, S] with intervals where there are several runs."""

    def estimate(scores: NDArray[np.float64]) -> Estimate:
        value = float(aggregate(scores.reshape(-1)))
        if len(scores) == 1:
            return Estimate(value, None)
        interval = stratified_bootstrap_interval(scores, aggregate=aggregate, whole_runs=whole_runs, seed=seed)
        return Estimate(value, interval)

    of_a, of_b = estimate(a), estimate(b)
    interval = None
    if min(len(a), len(b)) > 1:
        interval = bootstrap_difference_interval(a, b, aggregate=aggregate, whole_runs=whole_runs, seed=seed)
    return Row(name, of_a, of_b, Estimate(of_b.value - of_a.value, interval))


def _checked(runs: Sequence[RunResults]) -> list[str]:
    """Notes on settings that differ between runs.

    Raises:
        ConfigurationError: if the runs must not be compared at all.
    """
    repeated = [folder for folder, n in Counter(Path(run.folder).resolve() for run in runs).items() if n > 1]
    if repeated:
        raise ConfigurationError(f"the run {repeated[0]} is given twice: name different runs")
    first = runs[0]
    for run in runs:
        if run.task != first.task:
            raise ConfigurationError(
                f"runs of different tasks cannot be compared: {first.folder} is of {first.task}, "
                f"{run.folder} of {run.task}"
            )
        if run.greedy != first.greedy:
            greedy, sampled = (run, first) if run.greedy else (first, run)
            raise ConfigurationError(
                f"{greedy.folder} was evaluated with greedy actions, {sampled.folder} with sampled ones: evaluate both "
                f"in one way, `groundling evaluate {sampled.folder} --suite all --greedy`"
            )
    notes = []
    if different := _values(runs, lambda run: run.seed):
        notes.append(f"the evaluations are of different seeds, so of different episodes: {different}")
    if different := _values(runs, lambda run: run.episodes):
        notes.append(f"the evaluations are of different numbers of episodes: {different}")
    if different := _values([run for run in runs if run.held_out is not None], lambda run: json.dumps(run.held_out)):
        notes.append(f"training held out different things, so suites of one name differ: {different}")
    return notes


def _values(runs: Sequence[RunResults], value: Callable[[RunResults], Any]) -> str:
    """The runs by value, ``"0 (runs/a), 1 (runs/b)"``; empty if they share it."""
    by_value: dict[str, list[str]] = {}
    for run in runs:
        by_value.setdefault(str(value(run)), []).append(run.folder)
    if len(by_value) < 2:
        return ""
    return ", ".join(f"{value} ({', '.join(folders)})" for value, folders in by_value.items())


def _common_suites(runs: Sequence[RunResults], agent: str) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """The suites that every run has of this agent, in the first run's order, and the runs that lack the others."""
    for run in runs:
        if agent not in run.agents:
            raise ConfigurationError(
                f"the evaluation of {run.folder} has no {agent!r} agent, it has {', '.join(run.agents) or 'none'}"
            )
    every = dict.fromkeys(suite for run in runs for suite, row in run.scores.items() if agent in row)
    lacking = {s: tuple(run.folder for run in runs if agent not in run.scores.get(s, {})) for s in every}
    common = [suite for suite in every if not lacking[suite]]
    if not common:
        told = "; ".join(f"{run.folder} has {', '.join(s for s in run.scores)}" for run in runs)
        raise ConfigurationError(
            f"no suite was run of every {agent!r} agent: {told}. `groundling evaluate RUN --suite all` runs all"
        )
    return common, {suite: folders for suite, folders in lacking.items() if folders}
