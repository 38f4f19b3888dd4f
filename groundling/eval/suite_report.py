"""What a run was found to do: its suites beside the controls, as JSON and as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from groundling.envs.families.base import MeasureTable
from groundling.eval.breakdown import MOST_ROWS, Group, Grouping, break_down, breakdown_table, by_instruction
from groundling.eval.evaluation import Evaluation
from groundling.eval.kept_results import EVALUATION_NAME, save_results
from groundling.eval.measures import measures_to_dict
from groundling.eval.suites import SuiteRow, describe_suite, split_row
from groundling.interfaces import Suite

STEPS_COLUMN = "steps: mean number of steps of the trained agent, over all episodes"
EXPERT_COLUMN = "/expert: steps of successful episodes, divided by the steps of the full-state expert"
AGENTS = {
    "trained": "the trained agent",
    "random": "uniformly random actions",
    "unplanned": "the trained agent without its planner",
    "blind": "trained the same way, without the image",
    "shuffled": "the trained agent, given an instruction with a different goal",
    "no_doc": "the trained agent, its document empty",
    "other_doc": "the trained agent, given another episode's document; in brackets how often it does what that says",
    "mixed_doc": "the trained agent, all words of its document in any order",
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
        suites: what there is to test, by name.
        groupings: how the sentences of a row are grouped; by themselves where nothing is said.
        rows: the episodes of each suite, where they were played just now.
        agent: which agent it is: the checkpoint with its frames and fingerprint and, where there is one, the planner
            that it looks ahead with; or the name of a policy.
    """

    task: str
    greedy: bool
    episodes: int
    seed: int
    results: dict[str, dict[str, Evaluation]]
    left_out: dict[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    suites: Mapping[str, Suite] = field(default_factory=dict, repr=False, compare=False)
    groupings: Mapping[str, Grouping] = field(default_factory=dict, repr=False, compare=False)
    rows: Mapping[str, SuiteRow] = field(default_factory=dict, repr=False, compare=False)
    agent: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write ``evaluation.json``, see :func:`groundling.eval.kept_results.save_results`.

        It holds the fields, with {suite: {agent: {success, low, high ...}}} as "suites", and as "breakdown"
        {kind: {suite: {agent: [{name, success, low, high ...}]}}}, what fails most first. Where families measure more,
        that of the trained agent stands under "measures".
        """
        plain: dict[str, Any] = {
            "task": self.task,
            "greedy": self.greedy,
            "episodes": self.episodes,
            "seed": self.seed,
            "agent": dict(self.agent),
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
        if self.measures:
            plain["measures"] = {suite: measures_to_dict(tables) for suite, tables in self.measures.items()}
        save_results(folder, plain)

    @property
    def measures(self) -> dict[str, tuple[MeasureTable, ...]]:
        """What families measure of the trained agent's episodes beside their success, by suite."""
        found = {suite: row["trained"].measures for suite, row in self.results.items() if "trained" in row}
        return {suite: tables for suite, tables in found.items() if tables}

    def breakdown(self, kind: str) -> dict[str, dict[str, tuple[Group, ...]]]:
        """Groups of episodes by suite and agent, see :func:`groundling.eval.breakdown.break_down`."""
        return {
            suite: {
                agent: break_down(evaluation.outcomes, kind, self._grouping(suite)) for agent, evaluation in row.items()
            }
            for suite, row in self.results.items()
        }

    def _grouping(self, row: str) -> Grouping:
        return self.groupings.get(row, by_instruction)

    def describe(self, row: str) -> str:
        """What the suite of a row tests, in a few words."""
        return describe_suite(row, self.suites)

    def failures(self, kind: str) -> dict[str, list[tuple[str, Group]]]:
        """By task, suite and group of the trained agent, what fails most first; the task is empty if it is the only."""
        rows: dict[str, list[tuple[str, Group]]] = {}
        for name, row in self.results.items():
            task, suite = split_row(name)
            rows.setdefault(task, []).extend(
                (suite, group) for group in break_down(row["trained"].outcomes, kind, self._grouping(name))
            )
        return {task: sorted(own, key=lambda row: row[1].rank) for task, own in rows.items()}

    def breakdown_tables(self, kind: str) -> list[Table]:
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
            cells = [format_control(row[agent]) if agent in row else "-" for agent in controls]
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
        planner = f", {self.agent['planner']}" if "planner" in self.agent else ""
        title = f"{task}: success, 95 % interval ({how} actions{planner})"
        table = Table(title=escape(title), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("suite", no_wrap=True)
        for name in ("n", "trained", "interval", "steps", "/expert", *controls):
            table.add_column(name, justify="right", no_wrap=True)
        return table

    def legend(self) -> str:
        """What each row and column of the table is, a line each."""
        told = dict.fromkeys(split_row(row)[1] for row in self.results)
        suites = [f"{suite}: {self.describe(suite)}" for suite in told]
        agents = [f"{agent}: {AGENTS[agent]}" for agent in self.agents if agent != "trained"]
        columns = [STEPS_COLUMN, EXPERT_COLUMN]
        if any(column.header == "n" for table in self.tables() for column in table.columns):
            columns.insert(0, "n: episodes")
        left_out = [f"skipped {suite}: {reason}" for suite, reason in self.left_out.items()]
        measured = {
            column: what for own in self.measures.values() for table in own for column, what in table.columns.items()
        }
        more = [f"{column}: {what}" for column, what in measured.items()]
        return "\n".join([*suites, *columns, *agents, *left_out, *more])


def format_success(measured: Evaluation | Group) -> str:
    """For example ``"0.992 [0.984, 0.996]"``."""
    low, high = measured.interval
    return f"{measured.success:.3f} [{low:.3f}, {high:.3f}]"


def format_control(measured: Evaluation) -> str:
    """For example ``"0.125"``; of an agent that was misled by documents also how often, ``"0.004 (0.97)"``."""
    rate = f"{measured.success:.3f}"
    return rate if measured.followed is None else f"{rate} ({measured.followed[0] / measured.followed[1]:.2f})"
