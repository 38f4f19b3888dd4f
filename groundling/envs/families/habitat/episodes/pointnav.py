"""PointNav episodes of habitat-lab ("PointNav-v1"): go to a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from groundling.envs.families.habitat.episodes.following import ActionSizes
from groundling.envs.families.habitat.episodes.values import (
    Goal,
    PathPoint,
    Start,
    goal_of,
    goal_values,
    listed,
    paths_of,
    paths_values,
    start_of,
    start_values,
)
from groundling.errors import HabitatFileError

TYPE: Final = "PointNav-v1"
SIZES: Final = ActionSizes(0.25, 10.0)
SUCCESS_M: Final = 0.2
MAX_STEPS: Final = 1000


@dataclass(frozen=True)
class PointNavEpisode(Start):
    """An episode of PointNav.

    Attributes:
        goals: where to go; the first counts.
        start_room: the room it begins in, if that is told.
        shortest_paths: to the goal, in the task's own actions.
    """

    goals: tuple[Goal, ...] = ()
    start_room: str | None = None
    shortest_paths: tuple[tuple[PathPoint, ...], ...] = ()


def navigation_values(one: PointNavEpisode) -> dict[str, Any]:
    """The values of an episode of navigation for JSON."""
    return {
        **start_values(one),
        "goals": [goal_values(goal) for goal in one.goals],
        "start_room": one.start_room,
        "shortest_paths": paths_values(one.shortest_paths) or None,
    }


def navigation_of(values: Any, where: str) -> dict[str, Any]:
    """What :class:`PointNavEpisode` has of an episode; errors as of :func:`read`."""
    goals = tuple(goal_of(one, f"a goal of {where}") for one in listed(values, "goals", where))
    if not goals:
        raise HabitatFileError(f"{where} has no goal in its 'goals'")
    return {
        **start_of(values, where),
        "goals": goals,
        "start_room": values.get("start_room"),
        "shortest_paths": paths_of(values, where),
    }


@dataclass(frozen=True)
class PointNavDataset:
    """Episodes of PointNav."""

    episodes: tuple[PointNavEpisode, ...]

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {"episodes": [navigation_values(one) for one in self.episodes]}

    @classmethod
    def from_dict(cls, values: Any) -> PointNavDataset:
        """Read the values of a file.

        Raises:
            HabitatFileError: if a piece is missing; the message names it.
        """
        told = listed(values, "episodes", "the file")
        return cls(tuple(PointNavEpisode(**navigation_of(one, f"episode {row}")) for row, one in enumerate(told)))
