"""What families measure of episodes beside their success: the actions they are measured by, and the tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from groundling.envs.families.base import MeasureTable
from groundling.eval.rollout import Stepped
from groundling.interfaces import Observation

MOST_COLUMNS: Final = 4  # of measures in a table for the terminal, which has 80 columns of characters


class Judge(Protocol):
    """An observer of the trained agent's episodes that tells tables of what it found."""

    def begin(self, envs: VectorEnv, observation: Observation) -> None:
        """The first episodes have begun in these environments."""

    def __call__(self, stepped: Stepped) -> None:
        """A step was taken."""

    def tables(self) -> tuple[MeasureTable, ...]:
        """What was found."""


class EpisodeActions:
    """An observer that keeps all actions of a roll-out: environment i of B plays episodes i, i + B, i + 2B, ..."""

    def __init__(self) -> None:
        self._actions: list[NDArray[np.int64]] = []
        self._ended: list[NDArray[np.bool_]] = []

    def __call__(self, stepped: Stepped) -> None:
        """Keep the actions of a step."""
        self._actions.append(stepped.actions.copy())
        self._ended.append(stepped.terminated | stepped.truncated)

    def of_each(self, count: int) -> list[NDArray[np.int64]]:
        """The actions of each of the first ``count`` episodes; all of them have ended."""
        actions, ended = np.stack(self._actions), np.stack(self._ended)
        batch = actions.shape[1]
        found: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)] * count
        for row in range(batch):
            ends = np.flatnonzero(ended[:, row]) + 1
            starts = [0, *ends[:-1].tolist()]
            for number, (start, end) in enumerate(zip(starts, ends.tolist(), strict=False)):
                if row + number * batch < count:
                    found[row + number * batch] = actions[start:end, row]
        return found


def format_measure(value: float) -> str:
    """Three decimals; "-" where it is undefined."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def measures_to_dict(tables: tuple[MeasureTable, ...]) -> list[dict[str, Any]]:
    """Plain values: of each table its title, what its columns are, and its rows by name of the columns."""
    return [
        {
            "by": table.title,
            "columns": dict(table.columns),
            "rows": [
                {
                    "name": name,
                    "episodes": episodes,
                    **{
                        column: None if math.isnan(value) else value
                        for column, value in zip(table.columns, values, strict=True)
                    },
                }
                for name, episodes, values in table.rows
            ],
        }
        for table in tables
    ]


def measure_tables(measures: Mapping[str, tuple[MeasureTable, ...]]) -> list[Table]:
    """The tables for the terminal, by suite; one of many columns as several, each with the names of the rows."""
    drawn = []
    for suite, tables in measures.items():
        for table in tables:
            columns = list(table.columns)
            for start in range(0, len(columns), MOST_COLUMNS):
                title = f"{suite}: the trained agent by {table.title}" if start == 0 else None
                shown = Table(title=title and escape(title), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
                shown.add_column(table.title, no_wrap=True)
                for column in ("n", *columns[start : start + MOST_COLUMNS]):
                    shown.add_column(column, justify="right", no_wrap=True)
                for name, episodes, values in table.rows:
                    own = values[start : start + MOST_COLUMNS]
                    shown.add_row(name, str(episodes), *map(format_measure, own))
                drawn.append(shown)
    return drawn
