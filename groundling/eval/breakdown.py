"""Breakdown: what a policy fails on. Takes the episodes of an evaluation apart by what their instructions ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, get_args

from rich.box import SIMPLE_HEAD
from rich.table import Table

from groundling.envs.sources import read_goal
from groundling.errors import ConfigurationError
from groundling.eval.evaluation import Outcome
from groundling.eval.statistics import Counted
from groundling.language.goals import clauses, verb_of

Kind = Literal["verb", "clauses", "instruction"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
OWN_WORDS: Final = "in own words"  # sentences that a task says and the language does not read
MOST_ROWS = 20  # of a table; the file has the others
LEGEND = (
    "late: share of the episodes that reached their time limit",
    "wrong: share of the episodes that ended before it without success, as at another object than the one asked for",
    "what fails most comes first: rows are ordered by the upper ends of their intervals",
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


def break_down(outcomes: Iterable[Outcome], kind: Kind) -> tuple[Group, ...]:
    """Groups of episodes by what their instructions ask for, what fails most first.

    Args:
        outcomes: of the episodes.
        kind: "verb" ("go to", "pick up", "open", "put", "unlock"; an instruction of several clauses counts under each
            of its verbs), "clauses" (how many there are) or "instruction" (the sentence). What a task says in its own
            words, which nobody reads, is a group by itself.

    Raises:
        ConfigurationError: if there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigurationError(f"there is no breakdown by {kind!r}: choose among {', '.join(KINDS)}")
    members: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for name in _names(outcome.instruction, kind):
            members.setdefault(name, []).append(outcome)
    return tuple(sorted((Group.of(name, group) for name, group in members.items()), key=lambda group: group.rank))


def _names(instruction: str, kind: Kind) -> tuple[str, ...]:
    """The groups that an instruction belongs to."""
    match kind:
        case "verb":
            return tuple(dict.fromkeys(_verbs(instruction)))
        case "clauses":
            verbs = _verbs(instruction)
            return verbs if verbs == (OWN_WORDS,) else (str(len(verbs)),)
        case "instruction":
            return (instruction,)


@cache
def _verbs(instruction: str) -> tuple[str, ...]:
    """The verb of each clause; kept, since all agents play the same episodes and reading a sentence takes a while."""
    goal = read_goal(instruction)
    return (OWN_WORDS,) if goal is None else tuple(verb_of(clause) for clause in clauses(goal))


def breakdown_table(title: str, kind: Kind, rows: Sequence[tuple[str, Group]]) -> Table:
    """The first rows as a table for the terminal.

    Args:
        title: above it.
        kind: what the groups are by.
        rows: a suite and a group of it each, in their order; the column of suites is left out where there is only one.
    """
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    has_suites = len({suite for suite, _ in rows}) > 1
    if has_suites:
        table.add_column("suite", no_wrap=True)
    table.add_column(kind)
    for name in ("n", "success", "interval", "late", "wrong"):
        table.add_column(name, justify="right", no_wrap=True)
    for suite, group in rows[:MOST_ROWS]:
        low, high = group.interval
        counts = (str(group.episodes), f"{group.success:.3f}", f"[{low:.3f}, {high:.3f}]")
        table.add_row(*[suite] * has_suites, group.name, *counts, f"{group.late:.2f}", f"{group.wrong:.2f}")
    return table
