"""Breakdown: what a policy fails on. Takes the episodes of an evaluation apart by what their instructions ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from groundling.envs.families.base import INSTRUCTION
from groundling.errors import ConfigurationError
from groundling.eval.rollout import Outcome
from groundling.eval.statistics import Counted

Grouping = Callable[[str, str], tuple[str, ...]]  # kind and text to groups; ``EnvFamily.groups`` is one
MOST_ROWS = 20  # of a table; the file has the others
LEGEND = (
    "timeout: share of the episodes that reached their time limit",
    "failed: share of the episodes that ended before their time limit without success, for example at a wrong object",
    "the rows that fail most come first: they are ordered by the upper ends of their intervals",
)


@dataclass(frozen=True)
class Group(Counted):
    """The episodes whose instructions have something in common.

    Attributes:
        name: what they have in common: a verb, a number of clauses, the instruction itself.
        episodes: how many there are, at least 1.
        successes: how many reached their goal.
        out_of_time: how many reached their time limit instead; the others ended by a mistake before it.
        mean_length: mean number of steps.
    """

    name: str
    episodes: int
    successes: int
    out_of_time: int
    mean_length: float

    @classmethod
    def of(cls, name: str, outcomes: Sequence[Outcome]) -> Group:
        """The counts of these outcomes, at least one."""
        return cls(
            name=name,
            episodes=len(outcomes),
            successes=sum(outcome.success for outcome in outcomes),
            out_of_time=sum(outcome.out_of_time for outcome in outcomes),
            mean_length=sum(outcome.length for outcome in outcomes) / len(outcomes),
        )

    @property
    def late(self) -> float:
        """Share of the episodes that reached their time limit."""
        return self.out_of_time / self.episodes

    @property
    def wrong(self) -> float:
        """Share of the episodes that ended by a mistake."""
        return (self.episodes - self.successes - self.out_of_time) / self.episodes

    @property
    def rank(self) -> tuple[float, float, str]:
        """Sorts groups, what fails most first: one episode that failed says less than ten of twenty."""
        return self.interval[1], self.success, self.name

    def to_dict(self) -> dict[str, str | float | int]:
        """Name, shares, interval and counts as plain values; success, late and wrong add up to 1."""
        low, high = self.interval
        return {
            "name": self.name,
            "success": self.success,
            "low": low,
            "high": high,
            "episodes": self.episodes,
            "successes": self.successes,
            "late": self.late,
            "wrong": self.wrong,
            "mean_length": self.mean_length,
        }


def by_instruction(kind: str, text: str) -> tuple[str, ...]:
    """The grouping of texts of which nothing is known: by the sentence itself.

    Raises:
        ConfigurationError: if another breakdown is asked for.
    """
    if kind != INSTRUCTION:
        raise ConfigurationError(f"there is no breakdown by {kind!r}: choose among {INSTRUCTION}")
    return (text,)


def break_down(outcomes: Iterable[Outcome], kind: str, grouping: Grouping = by_instruction) -> tuple[Group, ...]:
    """Groups of episodes by what their instructions ask for, what fails most first.

    Args:
        outcomes: of the episodes.
        kind: a breakdown that the grouping knows, such as "verb".
        grouping: the groups of a sentence, ``EnvFamily.groups`` of the task.

    Raises:
        ConfigurationError: if there is no such kind.
        InstructionError: if a sentence is not of the language that is grouped.
    """
    members: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for name in grouping(kind, outcome.instruction):
            members.setdefault(name, []).append(outcome)
    return tuple(sorted((Group.of(name, group) for name, group in members.items()), key=lambda group: group.rank))


def breakdown_table(title: str, kind: str, rows: Sequence[tuple[str, Group]]) -> Table:
    """The first rows as a table for the terminal.

    Args:
        title: above it.
        kind: what the groups are by.
        rows: a suite and a group of it each, in their order; the column of suites is left out where there is only one.
    """
    table = Table(title=escape(title), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    has_suites = len({suite for suite, _ in rows}) > 1
    if has_suites:
        table.add_column("suite", no_wrap=True)
    table.add_column(kind)
    for name in ("n", "success", "interval", "timeout", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    for suite, group in rows[:MOST_ROWS]:
        low, high = group.interval
        counts = (str(group.episodes), f"{group.success:.3f}", f"[{low:.3f}, {high:.3f}]")
        table.add_row(*[suite] * has_suites, group.name, *counts, f"{group.late:.2f}", f"{group.wrong:.2f}")
    return table
